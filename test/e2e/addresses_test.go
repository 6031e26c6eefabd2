package e2e_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil/processtest"
)

// TestHealthcheckAsksTheAddressThatIsServed holds that the command finds the server by
// every form of ADDR, past the proxies of the environment, and says so when it is gone.
func TestHealthcheckAsksTheAddressThatIsServed(t *testing.T) {
	t.Parallel()
	addresses := map[string]string{
		"loopback":           "127.0.0.1:PORT",
		"another loopback":   "127.0.0.2:PORT",
		"no host":            ":PORT",
		"all of IPv4":        "0.0.0.0:PORT",
		"a name":             "localhost:PORT",
		"a socket":           "unix:" + filepath.Join(t.TempDir(), "http.sock"),
		"this machine's own": ownAddress(t) + ":PORT",
	}
	if hasIPv6() {
		addresses["loopback of IPv6"], addresses["all of IPv6"] = "[::1]:PORT", "[::]:PORT"
	}
	for name, addr := range addresses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, port, _ := net.SplitHostPort(processtest.FreeAddr(t))
			settings := []string{"ADDR=" + strings.ReplaceAll(addr, "PORT", port), "HTTP_PROXY=http://127.0.0.1:1", "http_proxy=http://127.0.0.1:1"}
			file := filepath.Join(t.TempDir(), "health.db")
			serve := command(t, file)
			serve.Env = append(serve.Env, settings...)
			s := processtest.Launch(t, serve)
			s.WaitFor(t, "it listens", func() bool { return strings.Contains(s.Log.String(), "msg=listening") })
			if out, err := healthcheck(t, settings...); err != nil {
				t.Errorf("a server on %s is not found: %v\n%s", addr, err, out)
			}
			s.Kill()
			if out, err := healthcheck(t, settings...); err == nil || !strings.Contains(out, "ADDR") {
				t.Errorf("a server that is gone is found: %v\n%s", err, out)
			}
		})
	}
	// The port of a name that needs no file of the system, and on which no server may listen
	// without rights.
	if out, err := healthcheck(t, "ADDR=127.0.0.1:gopher"); err == nil || !strings.Contains(out, "127.0.0.1:70") {
		t.Errorf("a port by its name: %v\n%s", err, out)
	}
}

func healthcheck(t *testing.T, settings ...string) (output string, err error) {
	t.Helper()
	c := processtest.Command(t, "file:none.db", "healthcheck")
	c.Env = append(c.Env, settings...)
	out, err := c.CombinedOutput()
	return string(out), err
}

// ownAddress is one by which other machines reach this one, to which the proxies of the
// environment apply; a machine without a network has loopback alone.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if network, ok := one.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			return network.IP.String()
		}
	}
	return "127.0.0.3"
}

// hasIPv6 is false where the system is set up without it, as some containers are.
func hasIPv6() bool {
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}

// onSocket is a client that connects to a Unix socket, whatever it is to ask.
func onSocket(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

// get is the body of a page on a Unix socket, empty unless it is answered 200.
func get(path, url string) string {
	response, err := onSocket(path).Get(url)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return string(body)
}

// TestServerOnSocketFiles holds that a server on Unix sockets lets its user and group
// connect whatever the umask, takes the place of one that was killed, but neither of one
// that lives nor of another file, and removes what it has made.
func TestServerOnSocketFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	socket, metrics, database := filepath.Join(folder, "http.sock"), filepath.Join(folder, "metrics.sock"), filepath.Join(folder, "luxbff.db")
	launch := func(umask string) *processtest.Process {
		serve := withUmask(command(t, database), umask)
		serve.Env = append(serve.Env, "ADDR=unix:"+socket, "METRICS_ADDR=unix:"+metrics)
		s := processtest.Launch(t, serve)
		s.WaitFor(t, "it is ready", func() bool { return get(socket, "http://localhost/readyz") != "" })
		for _, file := range []string{socket, metrics} {
			if found, err := os.Stat(file); err != nil || found.Mode() != fs.ModeSocket|0o660 {
				t.Errorf("with the umask %s the socket is %v: %v", umask, found.Mode(), err)
			}
		}
		if !strings.Contains(get(metrics, "http://localhost/metrics"), "luxbff_database_up 1") {
			t.Error("the metrics are not on their socket")
		}
		return s
	}
	launch("000").Kill()
	if _, err := os.Lstat(socket); err != nil {
		t.Fatalf("a server that is killed leaves its socket: %v", err)
	}
	s := launch("077")
	for _, want := range []string{"running on the socket " + socket, "addr=unix:" + socket} {
		if !strings.Contains(s.Log.String(), want) {
			t.Errorf("the start does not print %s:\n%s", want, s.Log)
		}
	}
	second := command(t, filepath.Join(folder, "second.db"))
	second.Env = append(second.Env, "ADDR=unix:"+socket)
	wantFailure(t, second, "ADDR: "+socket+": address already in use: another server listens on the socket")
	second = command(t, filepath.Join(folder, "second.db"))
	second.Env = append(second.Env, "METRICS_ADDR=unix:"+socket)
	wantFailure(t, second, "METRICS_ADDR: "+socket+": address already in use")
	if get(socket, "http://localhost/readyz") == "" {
		t.Error("the first server is no longer reached")
	}
	s.Terminate(t)
	s.WaitForExit(t)
	for _, file := range []string{socket, metrics} {
		if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a server that ends leaves %s: %v", file, err)
		}
	}
	if err := os.WriteFile(socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	third := command(t, database)
	third.Env = append(third.Env, "ADDR=unix:"+socket)
	wantFailure(t, third, "is there already and is no socket")
	if content, err := os.ReadFile(socket); string(content) != "precious" {
		t.Errorf("a file at the path of the socket: %q %v", content, err)
	}
}
