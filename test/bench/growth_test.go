package bench_test

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"luxbff/internal/paging"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/processtest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
	"luxbff/server/heap"
)

const (
	// growthRounds is how often each request is sent to each database and account. What it
	// costs is the median of so many.
	growthRounds = 150
	// resumed is how many events a feed that resumes has missed.
	resumed = 10
)

// BenchmarkGrowth sends the requests of the apps to databases with 10 thousand, 1 million
// and 10 million stored logs, in turns; with -short and on PostgreSQL the largest is left
// out, which takes minutes to fill. In each are accounts with 1, 10 and 50 children. A tenth
// of all logs is of one child of each account, which is the one that is asked for; the rest
// are of the other children and of a family with one child for each thousand logs. All
// upload in turns, so that the logs of a child stand among those of others, as far apart in
// each database. A tenth of the logs have an event in the feed.
//
// The metrics "ratio-REQUEST" compare medians of the time for the same answer: that of each
// database over that of the smallest, for the account with as many children, the highest of
// all. "family-ratio" is that of the account with 50 children over that with one, in the
// largest database, for the requests whose answer has no other children in it: all but the
// home screen. "cpu-ratio" is the same of the CPU time,
// client included, and "steps-ratio" of the instructions of SQLite's virtual machine, which
// do not waver. Sign-in has a password hash at the least cost that there is, so that the
// statements beside it can be seen. The databases are in the page cache of the operating
// system as far as it has room for them, and beyond SQLite's own.
//
//	go test -run '^$' -bench Growth -benchtime 1x -timeout 20m ./test/bench
func BenchmarkGrowth(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	sizes := []int{10_000, 1_000_000}
	if !testing.Short() && !storetest.IsPostgres() {
		sizes = append(sizes, 10_000_000)
	}
	var accounts []*grownAccount
	began := time.Now()
	for _, logs := range sizes {
		accounts = append(accounts, newGrownDatabase(b, logs)...)
	}
	filled := time.Since(began)
	for _, account := range accounts { // now: an idle connection is closed after a while
		account.connection = dial(b, account.s.Listener.Addr(), `"data":{`)
	}
	costs := map[growthCase][]growthCost{}
	for b.Loop() {
		for round := range growthRounds + 1 {
			for _, request := range growthRequests() {
				for _, account := range accounts {
					cost := account.measure(b, request)
					if round > 0 { // the first fills what all share
						key := growthCase{request.name, account.logs, account.children}
						costs[key] = append(costs[key], cost)
					}
				}
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(filled.Seconds(), "s-fill")
	for _, request := range growthRequests() {
		reportGrowth(b, request, costs, sizes)
	}
}

// growthCase is one request to one account.
type growthCase struct {
	request        string
	logs, children int
}

// growthCost is what a request has cost.
type growthCost struct {
	wall, cpu         time.Duration
	steps, statements int
}

// growthRequest is one of the requests.
type growthRequest struct {
	name string
	// hasChildren says that the answer has all children of the account.
	hasChildren bool
	// prepare gives what sends the request and reads its answer. What it does itself isn't
	// measured.
	prepare func(b *testing.B, a *grownAccount) (send func() error)
}

func growthRequests() []growthRequest {
	return []growthRequest{
		{"home", true, func(b *testing.B, a *grownAccount) func() error {
			b.Helper()
			return a.graphQL(b, apptest.Sample(b, "home").Document, nil)
		}},
		{"history", false, func(b *testing.B, a *grownAccount) func() error {
			b.Helper()
			return a.graphQL(b, apptest.Sample(b, "history").Document, map[string]any{"id": a.child.ID})
		}},
		{"history-deep", false, func(b *testing.B, a *grownAccount) func() error {
			b.Helper()
			return a.graphQL(b, apptest.Sample(b, "history").Document, map[string]any{"id": a.child.ID, "after": paging.Cursor("devlog", a.middle)})
		}},
		{"changes", false, func(b *testing.B, a *grownAccount) func() error {
			b.Helper()
			return a.graphQL(b, apptest.Sample(b, "changes").Document, map[string]any{"id": a.child.ID, "updatedAfter": a.change})
		}},
		{"upload", false, func(b *testing.B, a *grownAccount) func() error {
			b.Helper()
			a.lastFile++
			return a.graphQL(b, apptest.Sample(b, "upload").Document, map[string]any{"logs": []any{map[string]any{
				"childUserId": a.child.ID, "deviceId": a.child.DeviceID, "uniqueId": a.child.UniqueID,
				"treatmentDate": time.Unix(int64(1_700_000_000+60*a.lastFile), 0).UTC().Format("2006-01-02T15:04:05"),
				"finishFlag":    "BUTTON_SHUTDOWN", "lastIntensity": 2, "treatmentTime": 600, "logFileId": a.lastFile,
			}}})
		}},
		{"resume", false, resumeFeed},
		{"sign-in", false, signIn},
	}
}

// grownAccount is an account in a database with many logs.
type grownAccount struct {
	s              *apptest.Server
	meter          *storetest.Meter
	connection     *connection
	logs, children int
	id             int
	token, email   string
	child          apptest.Child // with most of the logs
	middle         int           // id of one of its logs, half as old as the oldest
	change         string        // the cursor of that log among the changes
	lastFile       int
}

// newGrownDatabase makes a database with so many logs, and gives its accounts.
func newGrownDatabase(b *testing.B, logs int) []*grownAccount {
	b.Helper()
	// Both servers have one time, so that the sessions of the first are good at the second.
	url, now := storetest.URL(b), time.Now()
	configure := func(c *app.Config) { c.DatabaseURL, c.TokenKeys = url, processtest.TokenKeys() }
	accounts := newGrownAccounts(b, func(s *scope) *apptest.Server { return apptest.StartAt(s, now, configure) })
	fill(b, url, accounts, logs)
	meter := storetest.Measure(b, url)
	s := apptest.StartAt(b, now, configure)
	for _, a := range accounts {
		a.s, a.meter, a.logs = s, meter, logs
		a.lastFile = number(b, s, fmt.Sprintf(`SELECT last_log_file_id FROM devices WHERE id = %d`, a.child.DeviceID))
		a.middle = number(b, s, fmt.Sprintf(`SELECT id FROM devlogs WHERE device_id = %d AND log_file_id = %d`, a.child.DeviceID, a.lastFile/2))
		a.change = paging.Cursor("change", a.lastFile/2, a.middle) // fill gives each log the number of its file
	}
	return accounts
}

// newGrownAccounts makes accounts by the program itself, which has let go of the database
// afterwards.
func newGrownAccounts(b *testing.B, start func(*scope) *apptest.Server) (accounts []*grownAccount) {
	b.Helper()
	seeding := &scope{TB: b}
	defer seeding.end()
	s := start(seeding)
	for i, children := range []int{1, 10, 50} {
		a := &grownAccount{children: children, email: fmt.Sprintf("parent%d@example.com", i+1)}
		a.token, a.id = s.Parent(b)
		a.child = s.CreateChild(b, a.token)
		for range children - 1 {
			s.CreateChild(b, a.token)
		}
		accounts = append(accounts, a)
	}
	return accounts
}

// number is the one number that a statement reads.
func number(b *testing.B, s *apptest.Server, statement string) (n int) {
	b.Helper()
	rows, err := s.App.Store.Query(b.Context(), statement)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		b.Fatalf("no rows: %s: %v", statement, rows.Err())
	}
	if err := rows.Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// measure sends a request once.
func (a *grownAccount) measure(b *testing.B, request growthRequest) growthCost {
	b.Helper()
	send := request.prepare(b, a)
	a.meter.Reset()
	began, used := time.Now(), processorTime(b)
	err := send()
	cost := growthCost{wall: time.Since(began), cpu: processorTime(b) - used}
	if err != nil {
		b.Fatalf("%s of %d children among %d logs: %v", request.name, a.children, a.logs, err)
	}
	total := a.meter.Total()
	cost.steps, cost.statements = total.Steps, total.Runs
	return cost
}

// graphQL sends an operation over the connection of the account.
func (a *grownAccount) graphQL(b *testing.B, document string, variables map[string]any) func() error {
	b.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		b.Fatal(err)
	}
	a.connection.requests = [][]byte{newRequest("POST /graphql", a.token, string(body))}
	return func() error { return a.connection.get(0) }
}

// signIn goes on with the new session: an account has 64, and each more ends the oldest.
func signIn(b *testing.B, a *grownAccount) func() error {
	b.Helper()
	send := a.graphQL(b, fmt.Sprintf(`mutation { signIn(input: {email: %q, password: "secret123"}) { tokens { accessToken } user { id } } }`, a.email), nil)
	return func() error {
		if err := send(); err != nil {
			return err
		}
		var answer struct {
			Data struct {
				SignIn struct{ Tokens struct{ AccessToken string } }
			}
		}
		err := json.Unmarshal(a.connection.body, &answer)
		a.token = answer.Data.SignIn.Tokens.AccessToken
		return err
	}
}

// resumeFeed opens the feed behind the newest events and reads them, on a connection of its own.
func resumeFeed(b *testing.B, a *grownAccount) func() error {
	b.Helper()
	newest := number(b, a.s, fmt.Sprintf("SELECT event_seq FROM users WHERE id = %d", a.id))
	after := fmt.Sprintf("feed:%d:%d:%d", a.id, newest-resumed, time.Now().UnixMilli())
	return func() error {
		feed, err := subscriptiontest.Open(b.Context(), subscriptiontest.Request{
			URL: a.s.URL, Token: a.token, Transport: subscriptiontest.WebSocket, After: base64.RawURLEncoding.EncodeToString([]byte(after)),
		})
		if err != nil {
			return err
		}
		defer feed.Close()
		for range resumed {
			if _, err := feed.Next(); err != nil {
				return err
			}
		}
		return nil
	}
}

// reportGrowth reports the ratios of one request, and its costs for the account with one
// child in the largest database.
func reportGrowth(b *testing.B, request growthRequest, costs map[growthCase][]growthCost, sizes []int) {
	b.Helper()
	for _, kind := range []struct {
		name string
		of   func(growthCost) float64
	}{
		{"", func(c growthCost) float64 { return c.wall.Seconds() * 1e6 }},
		{"cpu-", func(c growthCost) float64 { return c.cpu.Seconds() * 1e6 }},
		{"steps-", func(c growthCost) float64 { return float64(c.steps) }},
	} {
		middle := func(logs, children int) float64 {
			return medianOf(costs[growthCase{request.name, logs, children}], kind.of)
		}
		highest := 0.0
		for _, logs := range sizes {
			for _, children := range []int{1, 10, 50} {
				if least := middle(sizes[0], children); least > 0 { // steps are counted on SQLite alone
					highest = max(highest, middle(logs, children)/least)
				}
			}
		}
		if highest > 0 {
			b.ReportMetric(highest, kind.name+"ratio-"+request.name)
		}
		if most := sizes[len(sizes)-1]; !request.hasChildren && highest > 0 {
			b.ReportMetric(middle(most, 50)/middle(most, 1), kind.name+"family-ratio-"+request.name)
		}
	}
	largest := costs[growthCase{request.name, sizes[len(sizes)-1], 1}]
	b.ReportMetric(medianOf(largest, func(c growthCost) float64 { return c.wall.Seconds() * 1e6 }), "us-"+request.name)
	if statements := medianOf(largest, func(c growthCost) float64 { return float64(c.statements) }); statements > 0 { // counted on SQLite
		b.ReportMetric(statements, "statements-"+request.name)
	}
}

func medianOf(costs []growthCost, of func(growthCost) float64) float64 {
	if len(costs) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(costs), func(x, y growthCost) int { return cmp.Compare(of(x), of(y)) })
	return of(sorted[len(sorted)/2])
}
