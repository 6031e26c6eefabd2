package natsbus

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// Check connects once and says why that fails. The error repeats no password.
func Check(addresses string) error {
	if err := CheckURL(addresses); err != nil {
		return err
	}
	conn, err := nats.Connect(addresses, nats.Name("luxbff doctor"), nats.Timeout(dialWithin), nats.NoReconnect())
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	conn.Close()
	return nil
}
