package natsbus

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// Check connects once, for the command doctor, and says why that fails. The error
// repeats no password.
func Check(addresses string) error {
	if err := CheckURL(addresses); err != nil {
		return err
	}
	conn, err := nats.Connect(addresses, nats.Name("luxbff doctor"), nats.Timeout(dialTimeout), nats.NoReconnect())
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	conn.Close()
	return nil
}

// CheckURL says what is wrong with the addresses of [Config.URL]. The error repeats
// nothing of them, because they may hold a password.
func CheckURL(addresses string) error {
	for i, address := range strings.Split(addresses, ",") {
		if err := checkAddress(strings.TrimSpace(address)); err != nil {
			return fmt.Errorf("NATS_URL: address %d %w", i+1, err)
		}
	}
	return nil
}

func checkAddress(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("can't be read as a URL")
	case parsed.Scheme != "nats" && parsed.Scheme != "tls":
		return errors.New("must begin with nats:// or tls://")
	case parsed.Hostname() == "":
		return errors.New("names no host")
	case parsed.Port() != "" && !isPort(parsed.Port()):
		return errors.New("has a port that is none")
	case strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("must end after host and port")
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}
