package live_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/heap"
)

// phonesEnv makes the test binary the phones of BenchmarkFeed; heapEnv names a
// file for the heap profile of the idle sockets (with -memprofilerate 256).
const (
	phonesEnv = "LUXBFF_WS_PHONES"
	heapEnv   = "LUXBFF_WS_HEAP"
)

// TestMain is the phones where it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv(phonesEnv) != "" {
		bePhones()
		return
	}
	goleak.VerifyTestMain(m)
}

// BenchmarkFeed connects phones, each of an account of its own, to the whole
// program, from a second process, and reports what one idle subscription costs
// and how soon after an upload's answer its event arrives, while so many others
// wait. The last round has the 32 sockets of one account, and counts the last of
// them.
//
//	go test -run '^$' -bench Feed -benchtime 500x -timeout 20m ./test/bench/live
func BenchmarkFeed(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	sizes := []int{1, 2_000, 10_000}
	s := apptest.Start(b)
	f := newFleet(b, s, sizes[len(sizes)-1])
	var base memory
	for _, sockets := range sizes {
		b.Run(fmt.Sprintf("sockets=%d", sockets), func(b *testing.B) {
			f.connect(b, sockets)
			idle := measure(b)
			pushes(b, f)
			if sockets > uploaders {
				report(b, base, idle, sockets-uploaders)
			}
		})
		if sockets == 1 {
			// The first phones warm what all share: pools, caches, prepared statements.
			f.connect(b, uploaders)
			for range 2 * uploaders {
				f.push(b)
			}
			base = measure(b)
		}
	}
	f.close(b)
	const most = 32
	f.settle(b, 0)
	crowd := newFleet(b, s, 1)
	crowd.connect(b, 1)
	for range most - 1 {
		crowd.connectAgain(b)
	}
	b.Run(fmt.Sprintf("account=%d", most), func(b *testing.B) { pushes(b, crowd) })
	crowd.close(b)
}

// pushes uploads once an iteration, and reports in milliseconds how long the
// events took.
func pushes(b *testing.B, f *fleet) {
	b.Helper()
	var took []float64
	for b.Loop() {
		took = append(took, f.push(b))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2], "ms-push-median")
	b.ReportMetric(took[len(took)*99/100], "ms-push-p99")
}

// TestFleet is the benchmark in small: a goroutine a socket, which waits on the
// small stack, and an event on each for its upload.
func TestFleet(t *testing.T) { //nolint:paralleltest // counts the program's goroutines
	const sockets = uploaders
	f := newFleet(t, apptest.Start(t), sockets+1)
	f.connect(t, 1)
	f.push(t) // the connection of the uploads stays
	await(t, func() bool { return waiting() == 1 })
	before := runtime.NumGoroutine()
	f.connect(t, 1+sockets)
	await(t, func() bool { return waiting() == 1+sockets && runtime.NumGoroutine()-before == sockets })
	for range sockets {
		f.push(t)
	}
	await(t, func() bool { return runtime.NumGoroutine()-before == sockets })
	f.connectAgain(t)
	f.uploaded = 0
	f.push(t) // arrives on both sockets of the account
	f.close(t)
	f.settle(t, 0)
}

// busy finds a socket whose operation runs.
var busy = regexp.MustCompile(`(?m)^luxbff_live_pending_responses\{.*\} [1-9]`)

// waiting counts the sockets that wait for a frame and have no other goroutine.
func waiting() int {
	stacks := make([]byte, 4<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "gqlws.(*socket).waitForFrame(")
}

// await polls until the condition holds.
func await(tb testing.TB, condition func() bool) {
	tb.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-late.C:
			tb.Fatalf("%d sockets wait, %d goroutines run", waiting(), runtime.NumGoroutine())
		}
	}
}

// uploaders is how many phones upload, in turn.
const uploaders = 50

// assembled is what the phones are told.
type assembled struct {
	URL     string
	Tokens  []string
	Uploads []string // request bodies, of the first phones
}

func gather(tb testing.TB, s *apptest.Server, n int) assembled {
	tb.Helper()
	family := assembled{URL: s.URL}
	for i := range n {
		token, id := s.Parent(tb)
		family.Tokens = append(family.Tokens, token)
		if i < uploaders {
			family.Uploads = append(family.Uploads, equip(tb, s, token, id))
		}
	}
	return family
}

// equip gives a parent a child with a device, and the upload of its logs.
func equip(tb testing.TB, s *apptest.Server, token string, i int) string {
	tb.Helper()
	serial, mac := fmt.Sprintf("SL%08d", i), fmt.Sprintf("00:80:E1:27:%02X:%02X", i>>8, i&0xff)
	s.AddDevices(tb, serial+","+mac)
	var made struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     string
				Device struct{ ID string }
			}
		}
	}
	s.Data(tb, token, `mutation($input: CreateChildUserInput!) { createChildUser(input: $input) { childUser { id device { id } } } }`,
		map[string]any{"input": map[string]any{
			"firstName": "test", "lastName": "", "birthdate": "1997-01-01", "gender": "FEMALE",
			"serialCode": serial, "macId": mac, "uniqueId": serial,
		}}, &made)
	child := made.CreateChildUser.ChildUser
	return string(mustJSON(map[string]any{
		"query": `mutation($input: UploadDevlogsInput!) { uploadDevlogs(input: $input) { devlogs { id } } }`,
		"variables": map[string]any{"input": map[string]any{"logs": []any{map[string]any{
			"childUserId": child.ID, "deviceId": child.Device.ID, "uniqueId": serial,
			"treatmentDate": "2026-11-22T09:00:00", "lastIntensity": 1, "treatmentTime": 60,
		}}}},
	}))
}

// fleet is the second process, seen from the first.
type fleet struct {
	s         *apptest.Server
	cmd       *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Scanner
	uploads   int
	connected int // phones, each of its own account
	again     int // more sockets of the first account
	uploaded  int
}

// newFleet starts the phones of n new accounts, none of which is connected.
func newFleet(tb testing.TB, s *apptest.Server, n int) *fleet {
	tb.Helper()
	family := gather(tb, s, n)
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
	f := &fleet{s: s, cmd: cmd, in: in, out: bufio.NewScanner(out), uploads: len(family.Uploads)}
	if _, err := fmt.Fprintf(in, "%s\n", mustJSON(family)); err != nil {
		tb.Fatal(err)
	}
	return f
}

// connect brings the number of connected phones to n.
func (f *fleet) connect(tb testing.TB, n int) {
	tb.Helper()
	for ; f.connected < n; f.connected++ {
		f.ask(tb, "connect", f.connected)
	}
	f.settle(tb, n)
}

// connectAgain gives the first account one more socket.
func (f *fleet) connectAgain(tb testing.TB) {
	tb.Helper()
	f.ask(tb, "connect", 0)
	f.again++
	f.settle(tb, f.connected+f.again)
}

// settle waits until the server knows so many subscribers and is busy with none.
func (f *fleet) settle(tb testing.TB, subscribers int) {
	tb.Helper()
	want := fmt.Sprintf("luxbff_feed_subscribers %d\n", subscribers)
	await(tb, func() bool {
		metrics := f.metrics(tb)
		return strings.Contains(metrics, want) && !busy.MatchString(metrics)
	})
}

func (f *fleet) metrics(tb testing.TB) string {
	tb.Helper()
	answer, err := f.s.Client().Get(f.s.URL + "/metrics")
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// push uploads on the next phone that can, and gives the milliseconds from the
// upload's answer to the last of its events; 0 if it came before the answer.
func (f *fleet) push(tb testing.TB) float64 {
	tb.Helper()
	took, err := strconv.ParseFloat(f.ask(tb, "push", f.uploaded%min(f.uploads, f.connected)), 64)
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

func (f *fleet) ask(tb testing.TB, question string, phone int) string {
	tb.Helper()
	if _, err := fmt.Fprintln(f.in, question, phone); err != nil || !f.out.Scan() {
		tb.Fatalf("the phones are gone: %v", err)
	}
	return f.out.Text()
}

// memory is in KB, but for the goroutines. What Go holds is told apart from the
// resident set, because that has the pages in it that SQLite caches.
type memory struct{ asIs, rss, held, live, heap, stack, goroutines int }

func measure(b *testing.B) memory {
	b.Helper()
	asIs := residentKB()
	for range 4 {
		runtime.GC() // stacks shrink by half at each
	}
	debug.FreeOSMemory()
	profile(b)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{
		asIs: asIs, rss: residentKB(), held: int(m.Sys-m.HeapReleased) / 1024, live: int(m.HeapAlloc / 1024),
		heap: int(m.HeapInuse / 1024), stack: int(m.StackInuse / 1024), goroutines: runtime.NumGoroutine(),
	}
}

func profile(b *testing.B) {
	b.Helper()
	name := os.Getenv(heapEnv)
	if name == "" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(pprof.Lookup("heap").WriteTo(file, 0), file.Close()); err != nil {
		b.Fatal(err)
	}
}

func residentKB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb
		}
	}
	return 0
}

func report(b *testing.B, before, after memory, sockets int) {
	b.Helper()
	each := func(kb int, unit string) { b.ReportMetric(float64(kb)/float64(sockets), unit) }
	each(after.rss-before.rss, "KB/socket")
	each(after.asIs-before.rss, "KB-before-GC/socket")
	each(after.held-before.held, "KB-go/socket")
	each(after.live-before.live, "KB-live/socket")
	each(after.heap-before.heap, "KB-heap/socket")
	each(after.stack-before.stack, "KB-stack/socket")
	each(after.goroutines-before.goroutines, "goroutines/socket")
}

// bePhones is the second process. It ends with its input.
func bePhones() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<30)
	in.Scan()
	var family assembled
	must(json.Unmarshal(in.Bytes(), &family))
	arrivals := make([]chan time.Time, len(family.Tokens))
	sockets := make([]int, len(family.Tokens))
	for in.Scan() {
		question, number, _ := strings.Cut(in.Text(), " ")
		phone, err := strconv.Atoi(number)
		must(err)
		if question == "push" {
			_, _ = fmt.Fprintln(os.Stdout, push(family, phone, arrivals[phone], sockets[phone]))
			continue
		}
		if arrivals[phone] == nil {
			arrivals[phone] = make(chan time.Time, 32)
		}
		sockets[phone]++
		go hear(subscribe(family.URL, family.Tokens[phone]), arrivals[phone])
		_, _ = fmt.Fprintln(os.Stdout, "connected")
	}
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	must(err)
	return data
}

func must(err error) {
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const feedQuery = `subscription DevlogStatus($after: String) { devlogStatus(after: $after) { cursor change occurredAt devlog { id status } device { id lastLogFileId } } }`

func subscribe(url, token string) *websocket.Conn {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, ReadBufferSize: 256, WriteBufferSize: 256}
	conn, answer, err := dialer.DialContext(context.Background(), "ws"+strings.TrimPrefix(url, "http")+"/graphql", nil)
	must(err)
	must(answer.Body.Close())
	must(conn.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + token}}))
	_, _, err = conn.ReadMessage()
	must(err)
	must(conn.WriteJSON(map[string]any{"type": "subscribe", "id": "1", "payload": map[string]string{"query": feedQuery}}))
	return conn
}

// hear notes when events arrive; pongs are sent by ReadMessage.
func hear(conn *websocket.Conn, arrivals chan<- time.Time) {
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if bytes.Contains(data, []byte(`"next"`)) {
			arrivals <- time.Now()
		}
	}
}

// push uploads, and gives the milliseconds from the answer to the last event of
// the account's sockets; 0 if it came before the answer.
func push(family assembled, phone int, arrivals <-chan time.Time, sockets int) float64 {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, family.URL+"/graphql", strings.NewReader(family.Uploads[phone]))
	must(err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+family.Tokens[phone])
	answer, err := http.DefaultClient.Do(r)
	must(err)
	_, err = io.Copy(io.Discard, answer.Body)
	must(err)
	must(answer.Body.Close())
	answered, last := time.Now(), time.Time{}
	for range sockets {
		if at := <-arrivals; at.After(last) {
			last = at
		}
	}
	return max(0, float64(last.Sub(answered).Microseconds())/1000)
}
