//go:build faults

package faults_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/testutil"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/subscriptiontest"
)

func TestMain(m *testing.M) { processtest.Main(m) }

// newRandom makes a source of random numbers that can be had again: a failed run has
// printed its seed, which LUXBFF_TEST_SEED takes.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("LUXBFF_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("LUXBFF_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// family is an account with one child and its device, and what the server has
// acknowledged of its uploads.
type family struct {
	apptest.Family
	next   atomic.Int64 // the number of the last log file
	mu     sync.Mutex
	acked  []int
	failed []error
}

func newFamily(t *testing.T, s *apptest.Server) *family {
	t.Helper()
	return &family{Family: s.NewFamily(t)}
}

// log is the input of a complete log.
func (f *family) log(file int) string {
	return fmt.Sprintf(`{childUserId: %d, deviceId: %d, uniqueId: %q, finishFlag: NORMAL_SHUTDOWN,
		treatmentDate: "2025-02-14T15:48:49", lastIntensity: 1, treatmentTime: 60, logFileId: %d}`, f.Child.ID, f.DeviceID, f.UniqueID, file)
}

// upload uploads the next n logs in one request, and keeps whether they were
// acknowledged.
func (f *family) upload(ctx context.Context, client *http.Client, url string, n int) error {
	last := int(f.next.Add(int64(n)))
	var files []int
	var logs []string
	for file := last - n + 1; file <= last; file++ {
		files, logs = append(files, file), append(logs, f.log(file))
	}
	body, err := json.Marshal(map[string]string{
		"query": `mutation { uploadDevlogs(input: {logs: [` + strings.Join(logs, ", ") + `]}) { devlogs { id } } }`,
	})
	if err != nil {
		return err
	}
	err = send(ctx, client, url, f.Token, string(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed = append(f.failed, err)
		return err
	}
	f.acked = append(f.acked, files...)
	return nil
}

// send sends a GraphQL request that must succeed.
func send(ctx context.Context, client *http.Client, url, token, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || strings.Contains(string(text), `"errors"`)) {
		err = fmt.Errorf("%s %.300s", response.Status, text)
	}
	return err
}

func (f *family) acknowledged() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int(nil), f.acked...)
}

// followers are phones that follow the feed of a family over all four transports.
// Half of them send the cursor of their last event when they resume; the others name
// an installation and leave it to the server.
type followers struct {
	all     []*subscriptiontest.Follower
	running sync.WaitGroup
	stop    context.CancelFunc
}

// follow starts n phones of either kind for each transport. When it returns, those
// that name an installation have a resume point at the server; the others start
// behind an event that is already there. From then on no event may be missed.
func follow(t *testing.T, s *apptest.Server, f *family, url string, n int) *followers {
	t.Helper()
	first := firstCursor(t, s, f)
	ctx, stop := context.WithCancel(context.Background())
	phones := &followers{stop: stop}
	t.Cleanup(phones.close)
	for _, transport := range subscriptiontest.Transports() {
		for i := range n {
			request := subscriptiontest.Request{URL: url, Token: f.Token, Transport: transport}
			byServer, byCursor := request, request
			byServer.InstallationID, byCursor.After = fmt.Sprint(transport, i), first
			phones.all = append(phones.all, &subscriptiontest.Follower{Request: byServer}, &subscriptiontest.Follower{Request: byCursor})
		}
	}
	for _, phone := range phones.all {
		phones.running.Go(func() { phone.Follow(ctx) })
	}
	testutil.WaitFor(t, "every installation has its resume point", func() bool {
		points, err := s.App.Store.Read().FeedPosition.Query().Count(t.Context())
		return err == nil && points == n*len(subscriptiontest.Transports())
	})
	return phones
}

// firstCursor uploads a log and gives the cursor of its event.
func firstCursor(t *testing.T, s *apptest.Server, f *family) string {
	t.Helper()
	feed, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{URL: s.URL, Token: f.Token, Transport: subscriptiontest.WebSocket})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	s.WaitForSubscribers(t, 1)
	if err := f.upload(t.Context(), s.Client(), s.URL, 1); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.acked = nil // the phones start behind it
	f.mu.Unlock()
	e, err := feed.Next()
	if err != nil {
		t.Fatal(err)
	}
	return e.Cursor
}

// newestEvent is the number of the family's last event.
func (f *family) newestEvent(t *testing.T, s *apptest.Server) int64 {
	t.Helper()
	account, err := s.App.Store.Read().User.Get(t.Context(), f.RootUserID)
	if err != nil {
		t.Fatal(err)
	}
	return account.EventSeq
}

// checkAll waits until every phone has the newest event, and checks what each has
// received.
func (p *followers) checkAll(t *testing.T, s *apptest.Server, f *family) {
	t.Helper()
	newest := f.newestEvent(t, s)
	acked := f.acknowledged()
	for _, phone := range p.all {
		testutil.WaitFor(t, fmt.Sprintf("%+v has event %d", phone.Request, newest), func() bool { return phone.Newest() >= newest })
		if err := phone.Check(acked); err != nil {
			t.Errorf("%s %s: %v", phone.Request.Transport, phone.Request.InstallationID, err)
		}
	}
}

// have reports whether every phone has the event of this number.
func (p *followers) have(number int64) bool {
	return !slices.ContainsFunc(p.all, func(phone *subscriptiontest.Follower) bool { return phone.Newest() < number })
}

func (p *followers) close() {
	p.stop()
	p.running.Wait()
}

// uploads uploads one log a request, n in all, from several phones at once. One that
// failed is kept and not sent again.
func (f *family) uploads(ctx context.Context, url string, uploaders, n int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: uploaders}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var running sync.WaitGroup
	for range uploaders {
		running.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if f.upload(ctx, client, url, 1) != nil {
					pause(ctx) // the server may be down
				}
			}
		})
	}
	running.Wait()
}

func pause(ctx context.Context) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
}
