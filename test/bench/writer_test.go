package bench_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"luxbff/internal/store"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// BenchmarkUploadWriter uploads one complete log from each of 64 phones at once by the
// function that GraphQL and REST call, without a connection and a client: what is left is
// the one writer of SQLite, for which all uploads wait. Beside the rate and the processor's
// time it gives how many uploads shared a commit, the share of the time that went into
// commits, and the processor's time of the round that took least, which other programs on
// the machine disturb less.
//
//	go test -run '^$' -bench UploadWriter -benchtime 20x ./test/bench
func BenchmarkUploadWriter(b *testing.B) {
	const each = 10
	var commits, writes int
	var committing time.Duration
	began := time.Now()
	cfg := storetest.Config(storetest.SQLiteURL(b))
	cfg.Hooks = store.Hooks{
		Elapsed: func() time.Duration { return time.Since(began) },
		OnCommit: func(n int, took time.Duration) { // of the one writer, which stands still when it is read
			commits, writes, committing = commits+1, writes+n, committing+took
		},
	}
	db, err := store.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	kit := domaintest.New(db)
	phones := make([]*domaintest.Home, uploadPhones)
	for i := range phones {
		phones[i] = kit.Home(b)
	}
	file := 1
	round := func() {
		var running sync.WaitGroup
		for _, phone := range phones {
			running.Go(func() {
				for i := range each {
					phone.UploadAsync(b, phone.CompleteSeries(file+i, 1)...)
				}
			})
		}
		running.Wait()
		file += each
	}
	round()
	commits, writes, committing = 0, 0, 0
	var total spent
	least := time.Duration(math.MaxInt64)
	for b.Loop() {
		from, used := time.Now(), processorTime(b)
		round()
		this := spent{wall: time.Since(from), cpu: processorTime(b) - used}
		total.add(this)
		least = min(least, this.cpu)
	}
	uploads := float64(each * uploadPhones)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(b.N)*uploads/total.wall.Seconds(), "uploads/s")
	b.ReportMetric(total.cpu.Seconds()*1e6/uploads/float64(b.N), "cpu-us/upload")
	b.ReportMetric(least.Seconds()*1e6/uploads, "least-cpu-us/upload")
	b.ReportMetric(float64(writes)/float64(commits), "uploads/commit")
	b.ReportMetric(committing.Seconds()/total.wall.Seconds(), "commit-share")
}
