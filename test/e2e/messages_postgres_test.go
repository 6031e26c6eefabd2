//go:build postgres

package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"luxbff/internal/testutil/pgtest"
	"luxbff/internal/testutil/processtest"
)

// TestDatabaseRestartsWhileAMessageIsSent crashes PostgreSQL after the provider took a
// message and before that is stored. The program goes on, stores what became of it once the
// database is back, and sends nothing twice; a request that was refused meanwhile makes one
// message when it is repeated.
func TestDatabaseRestartsWhileAMessageIsSent(t *testing.T) {
	t.Parallel()
	const taken, refused = "01011111111", "01022222222"
	postgres := newPostgresServer(t)
	postgres.start(t)
	if err := pgtest.Run(t.Context(), postgres.url("postgres"), "CREATE DATABASE app"); err != nil {
		t.Fatal(err)
	}
	url, provider := postgres.url("app"), startSolapi(t)
	migrate := processtest.Command(t, url, "migrate")
	migrate.Env = append(migrate.Env, provider.settings()...)
	if out, err := migrate.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	provider.set(waits)
	s := provider.production(t, url)
	s.sendCode(t, taken)
	s.WaitFor(t, "the provider has it", func() bool { return provider.messages(taken) == 1 })
	postgres.crash(t)
	close(provider.release)
	ask := fmt.Sprintf(`{"query": "mutation { sendSmsCode(input: {phone: \\"+82%s\\"}) { ok } }"}`, refused[1:])
	status, answer, err := post(s.URL+"/graphql", "", ask)
	if err != nil || status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable {
		t.Errorf("without the database it answers %d %s, %v", status, answer, err)
	}
	postgres.start(t)
	s.WaitFor(t, "it is ready", s.Ready)
	s.sendCode(t, refused)
	s.WaitFor(t, "the code is sent", func() bool { return provider.messages(refused) == 1 })
	s.WaitFor(t, "all is stored", func() bool {
		return statesOf(t, url, taken)[0] != "pending" && statesOf(t, url, refused)[0] != "pending"
	})
	endLeases(t, url) // nothing is left for another worker
	s.sendCode(t, "01033333333")
	s.WaitFor(t, "the last is sent", func() bool { return provider.messages("01033333333") == 1 })
	for _, number := range []string{taken, refused} {
		if n, states := provider.messages(number), statesOf(t, url, number); n != 1 || len(states) != 1 {
			t.Errorf("%s got %d messages, of which are stored %q", number, n, states)
		}
	}
}
