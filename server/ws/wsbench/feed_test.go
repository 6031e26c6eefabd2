package wsbench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"luxbff/server/apptest"
)

// phonesEnv makes the test binary the phones of BenchmarkFeed.
const phonesEnv = "LUXBFF_WS_PHONES"

// TestMain is the phones where it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv(phonesEnv) != "" {
		bePhones()
		return
	}
	m.Run()
}

// BenchmarkFeed connects b.N phones, each of an account of its own, to the whole
// program, from a second process, and reports what one idle subscription costs
// and how soon after an upload's answer its event arrives:
//
//	go test -run '^$' -bench Feed -benchtime 10000x -timeout 20m ./server/ws/wsbench
func BenchmarkFeed(b *testing.B) {
	if b.N == 1 {
		return // the first round of every benchmark; one phone tells nothing
	}
	s := apptest.Start(b)
	phones := call(b, gather(b, s, b.N+first))
	// The first phones warm what all share: pools, caches, prepared statements.
	phones.ask("connect " + strconv.Itoa(first))
	phones.ask("push")
	before := measure()
	phones.ask("connect " + strconv.Itoa(b.N))
	phones.ask("push")
	after := measure()
	b.ResetTimer()
	report(b, before, after)
	var took struct{ Median, P99 float64 }
	if err := json.Unmarshal([]byte(phones.ask("push")), &took); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(took.Median, "ms-push-median")
	b.ReportMetric(took.P99, "ms-push-p99")
	_ = phones.in.Close()
	_ = phones.cmd.Wait()
}

// first is how many phones upload.
const first = 50

// assembled is what the phones are told.
type assembled struct {
	URL     string
	Tokens  []string
	Uploads []string // request bodies, of the first phones
}

func gather(b *testing.B, s *apptest.Server, n int) assembled {
	b.Helper()
	family := assembled{URL: s.URL}
	for i := range n {
		token, _ := s.Parent(b)
		family.Tokens = append(family.Tokens, token)
		if i < first {
			family.Uploads = append(family.Uploads, equip(b, s, token, i))
		}
	}
	return family
}

// equip gives a parent a child with a device, and the upload of its logs.
func equip(b *testing.B, s *apptest.Server, token string, i int) string {
	b.Helper()
	serial, mac := fmt.Sprintf("SL%08d", i), fmt.Sprintf("00:80:E1:27:%02X:%02X", i>>8, i&0xff)
	s.Catalogue(b, serial+","+mac)
	var made struct {
		CreateChildUser struct {
			ChildUser struct {
				ID     string
				Device struct{ ID string }
			}
		}
	}
	s.Data(b, token, `mutation($input: CreateChildUserInput!) { createChildUser(input: $input) { childUser { id device { id } } } }`,
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

type phones struct {
	b   *testing.B
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func call(b *testing.B, family assembled) *phones {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), phonesEnv+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Fprintf(in, "%s\n", mustJSON(family)); err != nil {
		b.Fatal(err)
	}
	return &phones{b, cmd, in, bufio.NewScanner(out)}
}

func (p *phones) ask(question string) string {
	p.b.Helper()
	if _, err := fmt.Fprintln(p.in, question); err != nil || !p.out.Scan() {
		p.b.Fatalf("the phones are gone: %v", err)
	}
	return p.out.Text()
}

// memory is in KB, but for the goroutines. What Go holds is told apart from the
// resident set, because that has the pages in it that SQLite caches.
type memory struct{ rss, held, live, heap, stack, goroutines int }

func measure() memory {
	for range 4 {
		runtime.GC() // stacks shrink by half at each
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return memory{
		rss: residentKB(), held: int(m.Sys-m.HeapReleased) / 1024, live: int(m.HeapAlloc / 1024),
		heap: int(m.HeapInuse / 1024), stack: int(m.StackInuse / 1024), goroutines: runtime.NumGoroutine(),
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

func report(b *testing.B, before, after memory) {
	b.Helper()
	n := float64(b.N)
	b.ReportMetric(float64(after.rss-before.rss)/n, "KB/socket")
	b.ReportMetric(float64(after.held-before.held)/n, "KB-go/socket")
	b.ReportMetric(float64(after.live-before.live)/n, "KB-live/socket")
	b.ReportMetric(float64(after.heap-before.heap)/n, "KB-heap/socket")
	b.ReportMetric(float64(after.stack-before.stack)/n, "KB-stack/socket")
	b.ReportMetric(float64(after.goroutines-before.goroutines)/n, "goroutines/socket")
}

// bePhones is the second process. It ends with its input.
func bePhones() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<30)
	in.Scan()
	var family assembled
	must(json.Unmarshal(in.Bytes(), &family))
	var arrivals []chan time.Time
	for in.Scan() {
		if n, ok := strings.CutPrefix(in.Text(), "connect "); ok {
			count, err := strconv.Atoi(n)
			must(err)
			arrivals = append(arrivals, connect(family, len(arrivals), count)...)
			_, _ = fmt.Fprintln(os.Stdout, "connected")
			continue
		}
		_, _ = fmt.Fprintf(os.Stdout, "%s\n", mustJSON(push(family, arrivals)))
	}
}

func connect(family assembled, from, n int) []chan time.Time {
	var arrivals []chan time.Time
	for _, token := range family.Tokens[from : from+n] {
		arrived := make(chan time.Time, 8)
		go hear(subscribe(family.URL, token), arrived)
		arrivals = append(arrivals, arrived)
	}
	return arrivals
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

// push uploads on the first phones in turn, and says in milliseconds how long
// after an upload's answer its event came; one that came before it counts 0.
func push(family assembled, arrivals []chan time.Time) map[string]float64 {
	var took []float64
	for i := range 500 {
		phone := i % len(family.Uploads)
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, family.URL+"/graphql", strings.NewReader(family.Uploads[phone]))
		must(err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+family.Tokens[phone])
		answer, err := http.DefaultClient.Do(r)
		must(err)
		_, err = io.Copy(io.Discard, answer.Body)
		must(err)
		must(answer.Body.Close())
		answered := time.Now()
		took = append(took, max(0, float64((<-arrivals[phone]).Sub(answered).Microseconds())/1000))
	}
	slices.Sort(took)
	return map[string]float64{"Median": took[len(took)/2], "P99": took[len(took)*99/100]}
}
