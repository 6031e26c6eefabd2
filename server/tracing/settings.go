package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// defaultTimeout is the specification's for one request.
const defaultTimeout = 10 * time.Second

// settings are what the specification has a sender of spans read from the environment,
// OTEL_EXPORTER_OTLP_TRACES_NAME before OTEL_EXPORTER_OTLP_NAME.
type settings struct {
	headers   http.Header
	timeout   time.Duration
	compress  bool
	transport http.RoundTripper
}

func readSettings(getenv func(string) string) (s settings, err error) {
	read := func(name string) string {
		if value := getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); value != "" {
			return value
		}
		return getenv("OTEL_EXPORTER_OTLP_" + name)
	}
	if s.headers, err = parseHeaders(read("HEADERS")); err != nil {
		return settings{}, err
	}
	s.timeout = defaultTimeout
	if text := read("TIMEOUT"); text != "" {
		milliseconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return settings{}, errors.New("OTEL_EXPORTER_OTLP_TIMEOUT must be a number of milliseconds")
		}
		s.timeout = time.Duration(milliseconds) * time.Millisecond
	}
	s.compress = read("COMPRESSION") == "gzip"
	s.transport, err = newTransport(read("CERTIFICATE"), read("CLIENT_CERTIFICATE"), read("CLIENT_KEY"))
	return s, err
}

// parseHeaders reads NAME=VALUE,NAME=VALUE, percent-encoded. The error names no value,
// because a value is a key.
func parseHeaders(text string) (http.Header, error) {
	headers := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		name = strings.TrimSpace(name)
		if !found || name == "" || err != nil {
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS must be NAME=VALUE,NAME=VALUE, percent-encoded")
		}
		headers.Set(name, value)
	}
	return headers, nil
}

// newTransport trusts the authorities in the file authority alone, and shows the
// certificate of certificate and key; empty names leave it as usual.
func newTransport(authority, certificate, key string) (http.RoundTripper, error) {
	// A pool of connections of its own, so that closing it closes nobody else's.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		pem, err := os.ReadFile(authority) //nolint:gosec // the operator names it
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("OTEL_EXPORTER_OTLP_CERTIFICATE holds no certificate")
		}
	}
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport.TLSClientConfig = config
	return transport, nil
}
