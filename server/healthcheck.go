package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"luxbff/server/app"
)

type healthcheckCommand struct{}

// Run asks the server on ADDR whether it is ready. The image holds no shell and no
// curl, so its health check needs this command.
func (healthcheckCommand) Run(ctx context.Context, cfg app.Config) error {
	host, port, err := net.SplitHostPort(cfg.ListenAddr())
	if err != nil {
		return err
	}
	// All interfaces, as in the image, include loopback.
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", response.Status)
	}
	return nil
}
