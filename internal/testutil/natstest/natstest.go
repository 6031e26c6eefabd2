// Package natstest runs a NATS server inside a test, which can stop it and start
// it again. It serves tests alone and imports nothing of the project.
package natstest

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server on a free port, which it keeps over restarts.
type Server struct {
	t       testing.TB
	options server.Options
	running *server.Server
}

// Start starts a server that ends with the test. Each change may set further
// options before.
func Start(t testing.TB, change ...func(*server.Options)) *Server {
	t.Helper()
	s := &Server{t: t, options: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, NoSystemAccount: true,
	}}
	for _, set := range change {
		set(&s.options)
	}
	s.Restart()
	address, ok := s.running.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("NATS listens on no TCP port")
	}
	s.options.Port = address.Port
	t.Cleanup(s.Stop)
	return s
}

// URL is the server's address, without credentials.
func (s *Server) URL() string { return "nats://" + s.Addr() }

// Addr is its host and port.
func (s *Server) Addr() string {
	return net.JoinHostPort(s.options.Host, strconv.Itoa(s.options.Port))
}

// Stop ends the server and every connection to it.
func (s *Server) Stop() {
	s.running.Shutdown()
	s.running.WaitForShutdown()
}

// Restart starts the server anew, on the same port, after Stop.
func (s *Server) Restart() {
	s.t.Helper()
	options := s.options
	running, err := server.NewServer(&options)
	if err != nil {
		s.t.Fatalf("NATS: %v", err)
	}
	s.running = running
	go running.Start()
	if !running.ReadyForConnections(20 * time.Second) {
		s.t.Fatal("NATS is not ready")
	}
}

// Subscriptions counts the subscriptions of all its clients.
func (s *Server) Subscriptions() int { return int(s.running.NumSubscriptions()) }

// SetPassword sets the password that the server asks for from the next Restart on.
func (s *Server) SetPassword(password string) { s.options.Password = password }

// TotalConnections counts the connections that were made since the server started,
// whether it accepted their credentials or not.
func (s *Server) TotalConnections() uint64 {
	s.t.Helper()
	vars, err := s.running.Varz(nil)
	if err != nil {
		s.t.Fatalf("NATS: %v", err)
	}
	return vars.TotalConnections
}
