package bench_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
)

// uploaders is how many of the phones upload, in turn.
const uploaders = 50

// phonesConfig is what the process of the phones is given.
type phonesConfig struct {
	URL     string
	Tokens  []string
	Uploads []string // request bodies, of the first phones
	// StormWithin is the time over which a storm spreads its connections.
	StormWithin time.Duration
}

// newAccounts signs up n accounts, of which the first have a child that uploads.
func newAccounts(tb testing.TB, s *apptest.Server, n int) phonesConfig {
	tb.Helper()
	config := phonesConfig{URL: s.URL}
	for i := range n {
		if i >= uploaders {
			token, _ := s.Parent(tb)
			config.Tokens = append(config.Tokens, token)
			continue
		}
		family := s.NewFamily(tb)
		config.Tokens = append(config.Tokens, family.Token)
		config.Uploads = append(config.Uploads, uploadBody(family))
	}
	return config
}

// uploadBody is the upload of a log that is not complete.
func uploadBody(of apptest.Family) string {
	return string(mustJSON(map[string]any{
		"query": `mutation($input: UploadDevlogsInput!) { uploadDevlogs(input: $input) { devlogs { id } } }`,
		"variables": map[string]any{"input": map[string]any{"logs": []any{map[string]any{
			"childUserId": of.Child.ID, "deviceId": of.DeviceID, "uniqueId": of.UniqueID,
			"treatmentDate": "2026-11-22T09:00:00", "lastIntensity": 1, "treatmentTime": 60,
		}}}},
	}))
}

// busySocket finds a socket in the metrics that runs an operation.
var busySocket = regexp.MustCompile(`(?m)^luxbff_live_pending_responses\{.*\} [1-9]`)

// fleet is the process of the phones, as the benchmark sees it. The phones have a
// process of their own so that their memory isn't counted.
type fleet struct {
	s         *apptest.Server
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Scanner
	uploads   int // phones that can upload
	connected int // phones, each of its own account
	again     int // more sockets of the first account
	uploaded  int // uploads so far
}

// newFleet starts the phones of n new accounts, none of which is connected.
func newFleet(tb testing.TB, s *apptest.Server, n int) *fleet {
	tb.Helper()
	return startFleet(tb, s, newAccounts(tb, s, n))
}

// startFleet starts the process of the phones.
func startFleet(tb testing.TB, s *apptest.Server, config phonesConfig) *fleet {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), phonesEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	f := &fleet{s: s, cmd: cmd, in: in, out: bufio.NewScanner(out), uploads: len(config.Uploads)}
	if _, err := fmt.Fprintf(in, "%s\n", mustJSON(config)); err != nil {
		tb.Fatal(err)
	}
	return f
}

// connect brings the number of connected phones to n.
func (f *fleet) connect(tb testing.TB, n int) {
	tb.Helper()
	for ; f.connected < n; f.connected++ {
		f.run(tb, "connect", f.connected)
	}
	f.waitForSubscribers(tb, n)
}

// connectAgain gives the first account one more socket.
func (f *fleet) connectAgain(tb testing.TB) {
	tb.Helper()
	f.run(tb, "connect", 0)
	f.again++
	f.waitForSubscribers(tb, f.connected+f.again)
}

// waitForSubscribers waits until the server has so many subscribers and no socket
// runs an operation.
func (f *fleet) waitForSubscribers(tb testing.TB, subscribers int) {
	tb.Helper()
	want := fmt.Sprintf("luxbff_feed_subscribers %d\n", subscribers)
	testutil.WaitFor(tb, fmt.Sprintf("%d phones are subscribed and idle", subscribers), func() bool {
		metrics := f.metrics(tb)
		return strings.Contains(metrics, want) && !busySocket.MatchString(metrics)
	})
}

func (f *fleet) metrics(tb testing.TB) string {
	tb.Helper()
	response, err := f.s.Client().Get(f.s.URL + "/metrics")
	if err != nil {
		tb.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// upload lets the next phone upload, and gives the milliseconds from the response to
// the last of its events; 0 if that came before the response.
func (f *fleet) upload(tb testing.TB) float64 {
	tb.Helper()
	took, err := strconv.ParseFloat(f.run(tb, "upload", f.uploaded%min(f.uploads, f.connected)), 64)
	if err != nil {
		tb.Fatal(err)
	}
	f.uploaded++
	return took
}

func (f *fleet) close(tb testing.TB) {
	tb.Helper()
	if err := f.in.Close(); err != nil {
		tb.Error(err)
	}
	if err := f.cmd.Wait(); err != nil {
		tb.Error(err)
	}
}

// run runs a command in the process of the phones and gives its result.
func (f *fleet) run(tb testing.TB, command string, phone int) string {
	tb.Helper()
	if _, err := fmt.Fprintln(f.in, command, phone); err != nil || !f.out.Scan() {
		tb.Fatalf("the phones' process has ended: %v", err)
	}
	return f.out.Text()
}
