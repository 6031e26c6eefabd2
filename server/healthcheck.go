package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"luxbff/server/app"
)

// healthcheckTimeout bounds the whole check, as that of the image does.
const healthcheckTimeout = 3 * time.Second

type healthcheckCommand struct{}

// Run asks the server on ADDR whether it is ready. The image holds no shell and no
// curl, so its health check needs this command.
func (healthcheckCommand) Run(ctx context.Context, cfg app.Config) error {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	// The connection leads to ADDR and to no proxy of the environment. The name in the URL
	// is one that development serves as well, whatever the host of ADDR is.
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return app.Dial(ctx, cfg.ListenAddr())
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/readyz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ADDR: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}
