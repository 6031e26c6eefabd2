package bench_test

import (
	"math"
	"testing"

	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/testutil/subscriptiontest"
	"luxbff/server/app"
)

// BenchmarkReconnect counts what a socket costs that comes back with the cursor of the last
// event that it has dealt with, while it has missed one: statements that read, and those
// of writes. Work in the background may add some, so the least of all rounds counts.
func BenchmarkReconnect(b *testing.B) {
	s := apptest.Start(b, func(c *app.Config) { c.DatabaseURL = storetest.URL(b) })
	of := s.NewFamily(b)
	send := &uploadClients{batch: 1, route: "POST /graphql", body: func(logs []uploadLog) any {
		return map[string]any{"query": apptest.Sample(b, "upload").Document, "variables": map[string]any{"logs": logs}}
	}}
	from, wire := &phone{Family: of}, dial(b, s.Listener.Addr(), homeWanted)
	upload := func() {
		wire.requests = [][]byte{send.request(from)}
		if err := wire.get(0); err != nil {
			b.Fatal(err)
		}
	}
	call := subscriptiontest.Request{URL: s.URL, Token: of.Token, Transport: subscriptiontest.WebSocket}
	call.After = nextCursor(b, call, upload)
	reads, writes := math.MaxInt, math.MaxInt
	for b.Loop() {
		upload()
		stop := s.RecordStatements()
		call.After = nextCursor(b, call, func() {})
		nowReads, nowWrites := count(stop())
		reads, writes = min(reads, nowReads), min(writes, nowWrites)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(reads), "reads")
	b.ReportMetric(float64(writes), "writes")
}

// nextCursor subscribes, does something, and gives the cursor of the next event.
func nextCursor(b *testing.B, call subscriptiontest.Request, then func()) string {
	b.Helper()
	feed, err := subscriptiontest.Open(b.Context(), call)
	if err != nil {
		b.Fatal(err)
	}
	defer feed.Close()
	then()
	event, err := feed.Next()
	if err != nil {
		b.Fatal(err)
	}
	return event.Cursor
}

func count(ran []store.Statement) (reads, writes int) {
	for _, one := range ran {
		if one.InWrite {
			writes++
		} else {
			reads++
		}
	}
	return reads, writes
}
