package bench_test

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/server/app"
)

// household is an account with two children.
type household struct {
	Token    string
	Children [2]apptest.Child
}

// seed makes accounts in a database by the program itself, which has let go of it
// afterwards. Their tokens are good for the processes of [startProgram].
func seed(b *testing.B, databaseURL string, accounts int) (made []household) {
	b.Helper()
	s := &scope{TB: b}
	defer s.end()
	program := apptest.Start(s, func(c *app.Config) { c.DatabaseURL, c.TokenKeys = databaseURL, processtest.TokenKeys() })
	for range accounts {
		token, _ := program.Parent(b)
		made = append(made, household{token, [2]apptest.Child{program.CreateChild(b, token), program.CreateChild(b, token)}})
	}
	return made
}

// scope ends what was started in it before the benchmark ends.
type scope struct {
	testing.TB

	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

func tokensOf(all []household) (tokens []string) {
	for _, one := range all {
		tokens = append(tokens, one.Token)
	}
	return tokens
}

// phonesOf gives each account one phone, which uploads for the first child.
func phonesOf(all []household) (phones []*phone) {
	for _, one := range all {
		phones = append(phones, &phone{Family: apptest.Family{Token: one.Token, Child: one.Children[0]}})
	}
	return phones
}

// server is a process that is measured. What it logs goes nowhere: a benchmark that read
// it would spend its own processor time on it.
type server struct {
	url     string
	address net.Addr
	pid     int
	toReady time.Duration // from its start
	end     func()
}

// startProgram starts the program in production; more settings go before its own.
func startProgram(b *testing.B, databaseURL string, settings ...string) *server {
	b.Helper()
	serve := processtest.Command(b, databaseURL)
	serve.Env = append(serve.Env, "APP_ENV=production", "PUBLIC_URL=https://luxbff.example", "CONNECTIONS_PER_CLIENT=1000000", "ACCOUNT_COST=1000000000", "ADDRESS_COST=1000000000")
	serve.Env = append(serve.Env, settings...)
	address := ""
	for _, setting := range serve.Env {
		if value, found := strings.CutPrefix(setting, "ADDR="); found {
			address = value
		}
	}
	return startServer(b, serve, address, "/readyz")
}

// poll opens a connection for each request, so that none stays open.
var poll = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// startServer starts a server and waits until the path answers with 200. It is killed
// when the benchmark ends, if it still runs then.
func startServer(b *testing.B, serve *exec.Cmd, address, path string) *server {
	b.Helper()
	began := time.Now()
	if err := serve.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = serve.Wait()
		close(ended)
	}()
	s := &server{
		url: "http://" + address, address: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address)), pid: serve.Process.Pid,
		end: func() { _ = serve.Process.Kill(); <-ended },
	}
	b.Cleanup(s.end)
	for !answers(b, s.url+path) {
		select {
		case <-ended:
			b.Fatalf("%s ended before it was ready", filepath.Base(serve.Path))
		case <-b.Context().Done():
			b.Fatal(b.Context().Err())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(began) > time.Minute {
			b.Fatalf("%s is not ready after a minute", filepath.Base(serve.Path))
		}
	}
	s.toReady = time.Since(began)
	return s
}

func answers(b *testing.B, url string) bool {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := poll.Do(r)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// post sends a request without a body, which must succeed.
func post(b *testing.B, url string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := poll.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s", url, response.Status)
	}
}

// residentMB is the resident memory of the process.
func (s *server) residentMB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1024
}

// processorTime is the CPU time of the process and of the workers that it has started.
func (s *server) processorTime(b *testing.B) (used time.Duration) {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		pid := filepath.Base(filepath.Dir(path))
		_, rest, _ := strings.Cut(string(text), ") ") // the name may have blanks in it
		fields := strings.Fields(rest)
		if parent := fields[1]; pid != strconv.Itoa(s.pid) && parent != strconv.Itoa(s.pid) {
			continue
		}
		for _, ticks := range fields[11:13] { // user and system time, in hundredths of a second
			n, _ := strconv.Atoi(ticks)
			used += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return used
}

// turns runs rounds on the program and on its peer in turn, and reports both.
func turns(b *testing.B, program, peer *server, requests int, ours, theirs func(*testing.B) spent) {
	b.Helper()
	ours(b)
	theirs(b)
	usedByUs, usedByThem := program.processorTime(b), peer.processorTime(b)
	var we, they spent
	for b.Loop() {
		we.add(ours(b))
		they.add(theirs(b))
	}
	all := float64(b.N * requests)
	each := func(used time.Duration) float64 { return used.Seconds() * 1e6 / all }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(they.wall.Seconds()/we.wall.Seconds(), "ratio")
	b.ReportMetric(all/we.wall.Seconds(), "req/s")
	b.ReportMetric(all/they.wall.Seconds(), "peer-req/s")
	b.ReportMetric(each(program.processorTime(b)-usedByUs), "cpu-us/req")
	b.ReportMetric(each(peer.processorTime(b)-usedByThem), "peer-cpu-us/req")
}

// newUploads is the upload of the apps, in GraphQL.
func newUploads(b *testing.B, all []household, batch int) *uploadClients {
	b.Helper()
	document := apptest.Sample(b, "upload").Document
	return &uploadClients{phones: phonesOf(all), batch: batch, route: "POST /graphql", body: func(logs []uploadLog) any {
		return map[string]any{"query": document, "variables": map[string]any{"logs": logs}}
	}}
}

// homeBody is the request for the home screen.
func homeBody(b *testing.B) string {
	b.Helper()
	return string(mustJSON(map[string]string{"query": apptest.Sample(b, "home").Document}))
}

// build builds a command of a folder, which may be a module of its own.
func build(b *testing.B, folder string) (binary string) {
	b.Helper()
	binary = filepath.Join(b.TempDir(), filepath.Base(folder))
	command := exec.CommandContext(b.Context(), "go", "build", "-o", binary, ".")
	command.Dir = folder
	run(b, command)
	return binary
}

// run runs a command that must succeed.
func run(b *testing.B, command *exec.Cmd) {
	b.Helper()
	if out, err := command.CombinedOutput(); err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		b.Fatalf("%s %s: %v: %s", filepath.Base(command.Path), command.Args[1], err, lines[len(lines)-1])
	}
}
