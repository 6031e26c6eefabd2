package natsbus_test

import (
	"testing"

	"luxbff/internal/pubsub/natsbus"
)

func TestWrongAddressIsExplainedAndNotRepeated(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"localhost:4222":                      "address 1 must begin with nats:// or tls://",
		"http://u:secret@localhost:4222":      "address 1 must begin with nats:// or tls://",
		"nats://u:secret@localhost:port":      "address 1 can't be read as a URL",
		"nats://u:secret@":                    "address 1 names no host",
		"nats://u:secret@:4222":               "address 1 names no host",
		"nats://u:secret@localhost:70000":     "address 1 has a port that is none",
		"nats://u:secret@localhost:0":         "address 1 has a port that is none",
		"nats://u:secret@localhost/path":      "address 1 must end after host and port",
		"nats://u:secret@localhost?tls=1":     "address 1 must end after host and port",
		"nats://u:sec%zzret@localhost":        "address 1 can't be read as a URL",
		"nats://one:4222,":                    "address 2 must begin with nats:// or tls://",
		"nats://one:4222, nat://u:secret@two": "address 2 must begin with nats:// or tls://",
		"nats://[::1":                         "address 1 can't be read as a URL",
		"":                                    "address 1 must begin with nats:// or tls://",
	} {
		_, err := natsbus.Open(natsbus.Config{URL: address})
		if err == nil || err.Error() != "NATS_URL: "+want {
			t.Errorf("%q: %v, want %s", address, err, want)
		}
	}
	for _, address := range []string{"nats://localhost", "nats://u:p@one:4222, tls://two:4222", "nats://[::1]:4222/"} {
		if err := natsbus.CheckURL(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}
