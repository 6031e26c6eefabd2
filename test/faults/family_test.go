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

// chance is random and can be had again: LUXBFF_TEST_SEED is the seed that a
// failed run printed.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("LUXBFF_TEST_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("LUXBFF_TEST_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// family is an account with one child and its device, and what it was told to
// have stored.
type family struct {
	token    string
	rootUser int
	log      string // an upload of one log, but for its number

	next   atomic.Int64
	mu     sync.Mutex
	acked  []int
	failed []error
}

// families counts, so that each gets a device of its own.
var families atomic.Int64

func newFamily(t *testing.T, s *apptest.Server) *family {
	t.Helper()
	n := families.Add(1)
	token, id := s.Parent(t)
	serial, mac := fmt.Sprintf("SL%08d", n), fmt.Sprintf("00:80:E1:27:%02X:%02X", n>>8, n&0xff)
	s.AddDevices(t, serial+","+mac)
	var data struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     string
				Device struct{ ID string }
			}
		}
	}
	s.Data(t, token, fmt.Sprintf(`mutation { createChildUser(input: {firstName: "test", lastName: "", birthdate: "1997-01-01",
		gender: FEMALE, serialCode: %q, macId: %q, uniqueId: %q}) { childUser { id device { id } } } }`, serial, mac, serial), nil, &data)
	child := data.CreateChildUser.ChildUser
	return &family{token: token, rootUser: id, log: fmt.Sprintf(`{childUserId: %s, deviceId: %s, uniqueId: %q, finishFlag: NORMAL_SHUTDOWN,
		treatmentDate: "2025-02-14T15:48:49", lastIntensity: 1, treatmentTime: 60, logFileId: %%d}`, child.ID, child.Device.ID, serial)}
}

// upload sends the next n logs in one request and remembers what was acknowledged.
func (f *family) upload(ctx context.Context, client *http.Client, url string, n int) error {
	last := int(f.next.Add(int64(n)))
	var files []int
	var logs []string
	for file := last - n + 1; file <= last; file++ {
		files, logs = append(files, file), append(logs, fmt.Sprintf(f.log, file))
	}
	body, err := json.Marshal(map[string]string{
		"query": `mutation { uploadDevlogs(input: {logs: [` + strings.Join(logs, ", ") + `]}) { devlogs { id } } }`,
	})
	if err != nil {
		return err
	}
	err = send(ctx, client, url, f.token, string(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed = append(f.failed, err)
		return err
	}
	f.acked = append(f.acked, files...)
	return nil
}

func send(ctx context.Context, client *http.Client, url, token, body string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || strings.Contains(string(text), `"errors"`)) {
		err = fmt.Errorf("%s %.300s", answer.Status, text)
	}
	return err
}

func (f *family) acknowledged() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int(nil), f.acked...)
}

// followers are phones of the family, two of each transport for the asking: one
// that says itself after which event it goes on, one that leaves it to the server.
type followers struct {
	all     []*subscriptiontest.Follower
	running sync.WaitGroup
	stop    context.CancelFunc
}

// follow starts n phones of either kind for each transport. Those that name an
// installation have their position when it returns, the others a first event.
func follow(t *testing.T, s *apptest.Server, f *family, url string, n int) *followers {
	t.Helper()
	first := firstCursor(t, s, f)
	ctx, stop := context.WithCancel(context.Background())
	phones := &followers{stop: stop}
	t.Cleanup(phones.end)
	for _, transport := range subscriptiontest.Transports() {
		for i := range n {
			call := subscriptiontest.Request{URL: url, Token: f.token, Transport: transport}
			named, own := call, call
			named.InstallationID, own.After = fmt.Sprint(transport, i), first
			phones.all = append(phones.all, &subscriptiontest.Follower{Request: named}, &subscriptiontest.Follower{Request: own})
		}
	}
	for _, one := range phones.all {
		phones.running.Go(func() { one.Follow(ctx) })
	}
	testutil.WaitFor(t, "every installation has its position", func() bool {
		positions, err := s.App.Store.Read().FeedPosition.Query().Count(t.Context())
		return err == nil && positions == n*len(subscriptiontest.Transports())
	})
	return phones
}

// firstCursor is that of an event made for the purpose.
func firstCursor(t *testing.T, s *apptest.Server, f *family) string {
	t.Helper()
	feed, err := subscriptiontest.Open(t.Context(), subscriptiontest.Request{URL: s.URL, Token: f.token, Transport: subscriptiontest.WebSocket})
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	s.WaitForSubscribers(t, 1)
	if err := f.upload(t.Context(), s.Client(), s.URL, 1); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.acked = nil // it is not among what the phones are owed
	f.mu.Unlock()
	e, err := feed.Next()
	if err != nil {
		t.Fatal(err)
	}
	return e.Cursor
}

// drain waits until every phone has the newest event, and checks what each got.
func (p *followers) drain(t *testing.T, s *apptest.Server, f *family) {
	t.Helper()
	account, err := s.App.Store.Read().User.Get(t.Context(), f.rootUser)
	if err != nil {
		t.Fatal(err)
	}
	acked := f.acknowledged()
	for _, one := range p.all {
		testutil.WaitFor(t, fmt.Sprintf("%+v has event %d", one.Request, account.EventSeq), func() bool { return one.Newest() >= account.EventSeq })
		if err := one.Check(acked); err != nil {
			t.Errorf("%s %s: %v", one.Request.Transport, one.Request.InstallationID, err)
		}
	}
}

func (p *followers) end() {
	p.stop()
	p.running.Wait()
}

// uploads has several uploaders at work until n requests were sent in all.
func (f *family) uploads(ctx context.Context, url string, uploaders, n int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: uploaders}}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var running sync.WaitGroup
	for range uploaders {
		running.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if f.upload(ctx, client, url, 1) != nil { // it is remembered
					pause(ctx) // the server is away
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
