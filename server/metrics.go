package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// serveMetrics serves the metrics on a listener of their own, which the public
// need not reach, until it is closed. Without an address it does nothing.
func serveMetrics(ctx context.Context, addr string, handler http.Handler) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("METRICS_ADDR: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // its one way to end is Close
	}()
	return func() {
		_ = server.Close()
		<-ended
	}, nil
}
