package bench_test

import (
	"os"
	"testing"

	"luxbff/internal/testutil/storetest"
)

// BenchmarkReplicas runs uploads and the home screen on PostgreSQL with NATS, in turn with
// all phones at one replica and with half of them at a second one. All of them share the
// processors of this machine, so the ratio says what a replica costs and not what a second
// machine would bring.
func BenchmarkReplicas(b *testing.B) {
	database := storetest.PostgresURL(b)
	all := seed(b, database, uploadPhones)
	settings := []string{"NATS_URL=" + os.Getenv("LUXBFF_TEST_NATS_URL")}
	first, second := startProgram(b, database, settings...), startProgram(b, database, settings...)

	report := func(b *testing.B, requests int, one, two func(*testing.B) spent) {
		b.Helper()
		one(b)
		two(b)
		var with1, with2 spent
		for b.Loop() {
			with1.add(one(b))
			with2.add(two(b))
		}
		all := float64(b.N * requests)
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(with1.wall.Seconds()/with2.wall.Seconds(), "ratio")
		b.ReportMetric(all/with1.wall.Seconds(), "one-req/s")
		b.ReportMetric(all/with2.wall.Seconds(), "two-req/s")
	}
	b.Run("home", func(b *testing.B) {
		at := func(on *server, n int) []*connection {
			return connect(b, on.address, n, tokensOf(all), "POST /graphql", homeBody(b), homeWanted)
		}
		alone, both := at(first, homeConnections), append(at(first, homeConnections/2), at(second, homeConnections/2)...)
		report(b, homeRound, func(b *testing.B) spent { return runRound(b, alone) }, func(b *testing.B) spent { return runRound(b, both) })
	})
	b.Run("upload", func(b *testing.B) {
		alone := newUploads(b, all, 1)
		both := *alone // the same phones
		both.connections = nil
		for i := range all {
			alone.connections = append(alone.connections, dial(b, first.address, homeWanted))
			both.connections = append(both.connections, dial(b, []*server{first, second}[i%2].address, homeWanted))
		}
		report(b, uploadsOfARound(1)*len(all), alone.run, both.run)
	})
}
