package idempotency_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/idempotency"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// replica is a service on a database that it may share.
type replica struct {
	*idempotency.Service
	*domaintest.Kit

	// looked counts how often the service has asked for the time, which it does once it has
	// read a row.
	looked *atomic.Int64
	// onLook is called then, once, if it is set.
	onLook *atomic.Pointer[func()]
}

// startReplicas starts several on one database, with one clock.
func startReplicas(t *testing.T, n int) []replica {
	t.Helper()
	url := storetest.URL(t)
	clock := testutil.NewClock(time.Date(2025, 2, 21, 6, 48, 49, 0, time.UTC))
	all := make([]replica, n)
	for i := range all {
		kit := domaintest.New(storetest.OpenAt(t, url))
		kit.Clock = clock
		looked, onLook := &atomic.Int64{}, &atomic.Pointer[func()]{}
		all[i] = replica{idempotency.New(idempotency.Config{
			Store: kit.Store, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
			Clock: func() time.Time {
				looked.Add(1)
				if now := onLook.Swap(nil); now != nil {
					(*now)()
				}
				return clock.Now()
			},
		}), kit, looked, onLook}
	}
	return all
}

func start(t *testing.T) replica {
	t.Helper()
	return startReplicas(t, 1)[0]
}

const key = "0f1b8a3e-7c5d-4e0a-9d3e-2b1c4d5e6f70"

func request(account int, what string) idempotency.Request {
	return idempotency.Request{RootUserID: account, Key: key, Digest: idempotency.Digest(what)}
}

// done is the answer of a run that did what it was asked for.
func done(text string) idempotency.Answer {
	return idempotency.Answer{Status: 200, Body: []byte(text), Outcome: idempotency.Done}
}

// store makes an account, as an action of a run would.
func (r replica) store(ctx context.Context) error {
	return r.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(r.Clock.Now()).Exec(ctx)
	})
}

// accounts counts what was stored.
func (r replica) accounts(t *testing.T) int {
	t.Helper()
	n, err := r.Store.Read().User.Query().Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (r replica) rows(t *testing.T) int {
	t.Helper()
	n, err := r.Store.Read().IdempotencyKey.Query().Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mustDo runs the request, or gives the answer that it got before.
func (r replica) mustDo(t *testing.T, request idempotency.Request, answer idempotency.Answer) (got string, isReplayed bool) {
	t.Helper()
	given, isReplayed, err := r.Do(t.Context(), request, func(context.Context) idempotency.Answer { return answer })
	if err != nil {
		t.Fatal(err)
	}
	return string(given.Body), isReplayed
}

// wantRefused does the request, which must not run.
func (r replica) wantRefused(t *testing.T, request idempotency.Request, want apperr.Kind) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, _, err := r.Do(ctx, request, func(context.Context) idempotency.Answer {
		t.Error("the request runs")
		return idempotency.Answer{}
	})
	if !apperr.Is(err, want) {
		t.Errorf("got %v, want %s", err, want.New().Code())
	}
}

// TestTheFirstAnswerIsGivenAgain for a day, to the same request of the same account alone.
func TestTheFirstAnswerIsGivenAgain(t *testing.T) {
	t.Parallel()
	r := start(t)
	jane, mary := r.Parent(t).RootUserID(), r.Parent(t).RootUserID()
	for _, account := range []int{0, jane, mary} {
		if got, isReplayed := r.mustDo(t, request(account, "a"), done("first")); got != "first" || isReplayed {
			t.Errorf("account %d: the first is answered %q, replayed %t", account, got, isReplayed)
		}
		if got, isReplayed := r.mustDo(t, request(account, "a"), done("second")); got != "first" || !isReplayed {
			t.Errorf("account %d: the second is answered %q, replayed %t", account, got, isReplayed)
		}
		r.wantRefused(t, request(account, "b"), apperr.IdempotencyKeyReused)
	}
	r.Clock.Add(idempotency.Retention - time.Millisecond)
	if got, _ := r.mustDo(t, request(jane, "a"), done("third")); got != "first" {
		t.Errorf("just before a day has passed the answer is %q", got)
	}
	r.Clock.Add(time.Millisecond)
	if got, isReplayed := r.mustDo(t, request(jane, "b"), done("third")); got != "third" || isReplayed {
		t.Errorf("after a day the answer is %q, replayed %t", got, isReplayed)
	}
	if err := r.Prune(t.Context()); err != nil || r.rows(t) != 3 {
		t.Errorf("%d rows are left to the millisecond, %v", r.rows(t), err)
	}
	r.Clock.Add(time.Millisecond)
	if err := r.Prune(t.Context()); err != nil || r.rows(t) != 1 {
		t.Errorf("%d rows are left after a day, %v", r.rows(t), err)
	}
}

// TestManyAtOnceRunOnce sends one request through two replicas many times, while the first
// of them runs.
func TestManyAtOnceRunOnce(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	running, goOn := make(chan struct{}), make(chan struct{})
	var runs, replays atomic.Int64
	var all sync.WaitGroup
	do := func(r replica) {
		answer, isReplayed, err := r.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
			runs.Add(1)
			close(running)
			<-goOn
			if err := r.store(ctx); err != nil {
				t.Error(err)
			}
			return done("answer")
		})
		if err != nil || string(answer.Body) != "answer" {
			t.Errorf("got %q, %v", answer.Body, err)
		}
		if isReplayed {
			replays.Add(1)
		}
	}
	all.Go(func() { do(replicas[0]) })
	<-running
	const others = 10
	for i := range others {
		all.Go(func() { do(replicas[i%2]) })
	}
	// The other replica has seen the claim twice, so it waits.
	testutil.WaitFor(t, "the other replica looks again", func() bool { return replicas[1].looked.Load() > 1 })
	close(goOn)
	all.Wait()
	if runs.Load() != 1 || replays.Load() != others || replicas[0].accounts(t) != 1 {
		t.Errorf("%d runs, %d replays, %d accounts", runs.Load(), replays.Load(), replicas[0].accounts(t))
	}
}

// TestAWaitEnds with the client that waits, in the replica that runs the request and in
// another.
func TestAWaitEnds(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	running, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = replicas[0].Do(context.Background(), request(0, "a"), func(context.Context) idempotency.Answer {
			close(running)
			<-goOn
			return done("answer")
		})
	}()
	<-running
	for i, r := range replicas {
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			_, _, err := r.Do(ctx, request(0, "a"), func(context.Context) idempotency.Answer {
				t.Error("the request runs twice")
				return idempotency.Answer{}
			})
			result <- err
		}()
		if i == 1 {
			testutil.WaitFor(t, "the other replica looks", func() bool { return r.looked.Load() > 1 })
		}
		cancel()
		err := <-result
		if !apperr.Is(err, apperr.IdempotencyKeyInUse) || apperr.From(err).RetryAfter() != time.Second {
			t.Errorf("replica %d: %v", i, err)
		}
		r.wantRefused(t, request(0, "b"), apperr.IdempotencyKeyReused)
	}
	close(goOn)
	<-ended
}

// TestOneThatCameToNothingLetsTheNextRun: those that wait run one after the other until one
// has an answer that is kept.
func TestOneThatCameToNothingLetsTheNextRun(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	var runs atomic.Int64
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, _, err := replicas[i%2].Do(t.Context(), request(0, "a"), func(context.Context) idempotency.Answer {
				if runs.Add(1) == 3 {
					return done("answer")
				}
				return idempotency.Answer{Status: 503, Body: []byte("later")}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := runs.Load(); got != 3 {
		t.Errorf("%d runs, want 3", got)
	}
}

// TestWhatIsKept: an answer that may pass is not kept, nor a refusal of a stranger, unless the
// run has stored something.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]idempotency.Outcome{
		200: idempotency.Done, 201: idempotency.Done,
		400: idempotency.Refused, 403: idempotency.Refused, 404: idempotency.Refused, 409: idempotency.Refused, 423: idempotency.Refused,
		401: idempotency.Passing, 408: idempotency.Passing, 429: idempotency.Passing, 500: idempotency.Passing, 503: idempotency.Passing,
	} {
		if got := idempotency.OutcomeOf(status); got != want {
			t.Errorf("%d is %d, want %d", status, got, want)
		}
	}
	for _, c := range []struct {
		status                      int
		isStranger, stores, isAgain bool
	}{
		{200, false, false, true},
		{200, true, false, true},
		{409, false, false, true},
		{409, true, false, false},
		{409, true, true, true},
		{503, false, false, false},
		{503, true, false, false},
		{503, false, true, true},
		{503, true, true, true},
		{401, false, true, true},
	} {
		r := start(t)
		account := 0
		if !c.isStranger {
			account = r.Parent(t).RootUserID()
		}
		_, _, err := r.Do(t.Context(), request(account, "a"), func(ctx context.Context) idempotency.Answer {
			if c.stores {
				if err := r.store(ctx); err != nil {
					t.Error(err)
				}
			}
			return idempotency.Answer{Status: c.status, Body: []byte("first"), Outcome: idempotency.OutcomeOf(c.status)}
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows := r.rows(t); (rows == 1) != c.isAgain {
			t.Errorf("%+v: %d rows", c, rows)
		}
		got, isReplayed := r.mustDo(t, request(account, "a"), done("second"))
		if isReplayed != c.isAgain || (got == "first") != c.isAgain {
			t.Errorf("%+v: the next is answered %q, replayed %t", c, got, isReplayed)
		}
	}
}

// TestAWriteThatFailsHasStoredNothing: what was rolled back does not count.
func TestAWriteThatFailsHasStoredNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	failed := apperr.TooManyRequests.New()
	_, _, err := r.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
		err := r.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
			_ = tx.User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(r.Clock.Now()).Exec(ctx)
			return failed
		})
		return idempotency.Answer{Status: apperr.From(err).Status(), Body: []byte("refused")}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, isReplayed := r.mustDo(t, request(0, "a"), done("second")); got != "second" || isReplayed || r.accounts(t) != 0 {
		t.Errorf("the next is answered %q, replayed %t, with %d accounts", got, isReplayed, r.accounts(t))
	}
}

// TestAHungUpClientGetsItsAnswerLater: the run goes on without it.
func TestAHungUpClientGetsItsAnswerLater(t *testing.T) {
	t.Parallel()
	r := start(t)
	ctx, hangUp := context.WithCancel(t.Context())
	_, _, err := r.Do(ctx, request(0, "a"), func(ctx context.Context) idempotency.Answer {
		hangUp()
		if err := r.store(ctx); err != nil {
			t.Error(err)
		}
		return done("first")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, isReplayed := r.mustDo(t, request(0, "a"), done("second")); got != "first" || !isReplayed {
		t.Errorf("it gets %q, replayed %t", got, isReplayed)
	}
}

// TestALongAnswerIsNotKept, and not run again either.
func TestALongAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	r := start(t)
	longest := strings.Repeat("a", idempotency.MaxAnswer)
	r.mustDo(t, request(0, "a"), done(longest))
	if got, isReplayed := r.mustDo(t, request(0, "a"), done("second")); got != longest || !isReplayed {
		t.Errorf("the longest is answered with %d bytes, replayed %t", len(got), isReplayed)
	}
	other := idempotency.Request{Key: key + "1", Digest: idempotency.Digest("a")}
	r.mustDo(t, other, done(longest+"a"))
	r.wantRefused(t, other, apperr.IdempotencyAnswerLost)
}

// fill adds copies of the one row that an account has.
func (r replica) fill(t *testing.T, account, copies int) {
	t.Helper()
	err := r.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO idempotency_keys (root_user_id, key_hash, digest, claim, claimed_until, is_executed, created_at)
			SELECT o.root_user_id, o.key_hash || n.i, o.digest, o.claim, o.claimed_until, o.is_executed, o.created_at
			FROM idempotency_keys o CROSS JOIN n WHERE o.root_user_id = $2`, copies, account)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestARunningRequestIsNotDropped, however many the account has sent since.
func TestARunningRequestIsNotDropped(t *testing.T) {
	t.Parallel()
	r := start(t)
	account := r.Parent(t).RootUserID()
	_, _, err := r.Do(t.Context(), request(account, "a"), func(context.Context) idempotency.Answer {
		r.fill(t, account, idempotency.MaxKept)
		r.mustDo(t, idempotency.Request{RootUserID: account, Key: key + "1"}, done("newest"))
		return done("oldest")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, isReplayed := r.mustDo(t, request(account, "a"), done("again")); got != "oldest" || !isReplayed {
		t.Errorf("it is answered %q, replayed %t", got, isReplayed)
	}
}

// TestAnAccountHasABound: the oldest go.
func TestAnAccountHasABound(t *testing.T) {
	t.Parallel()
	r := start(t)
	account, other := r.Parent(t).RootUserID(), r.Parent(t).RootUserID()
	r.mustDo(t, request(account, "a"), done("oldest"))
	r.mustDo(t, request(other, "a"), done("of the other"))
	r.Clock.Add(idempotency.Lease)
	r.fill(t, account, idempotency.MaxKept-1)
	if got, _ := r.mustDo(t, request(account, "a"), done("again")); got != "oldest" {
		t.Errorf("before there is one too many it is answered %q", got)
	}
	r.mustDo(t, idempotency.Request{RootUserID: account, Key: key + "1"}, done("newest"))
	if got := r.rows(t); got != idempotency.MaxKept+1 {
		t.Errorf("%d rows are kept of both", got)
	}
	if got, _ := r.mustDo(t, request(account, "a"), done("again")); got != "again" {
		t.Errorf("the oldest is answered %q", got)
	}
	if got, _ := r.mustDo(t, request(other, "a"), done("again")); got != "of the other" {
		t.Errorf("the other is answered %q", got)
	}
}

// TestWhoReadsTheTableReadsNothing: neither the key nor the answer stands in it, and an answer
// opens for the request alone that it belongs to.
func TestWhoReadsTheTableReadsNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	const secret = "the refresh token"
	r.mustDo(t, request(0, "a"), done(secret))
	second := request(0, "a")
	second.Key += "1"
	r.mustDo(t, second, done(secret))
	found, err := r.Store.Read().IdempotencyKey.Query().All(t.Context())
	if err != nil || len(found) != 2 {
		t.Fatalf("%d rows, %v", len(found), err)
	}
	for _, row := range found {
		texts := [][]byte{[]byte(row.KeyHash), []byte(row.Digest), []byte(row.Claim), *row.Answer}
		for _, text := range texts {
			if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte(key)) {
				t.Errorf("the row holds %q", text)
			}
		}
	}
	if bytes.Equal((*found[0].Answer)[12:], (*found[1].Answer)[12:]) {
		t.Error("two keys encrypt alike")
	}
	swap := func(column string, value any, of int) {
		err := r.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE idempotency_keys SET "+column+" = $1 WHERE id = $2", value, of)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	swap("answer", *found[1].Answer, found[0].ID)
	swap("status", 201, found[1].ID)
	for _, of := range []idempotency.Request{request(0, "a"), second} {
		if answer, _, err := r.Do(t.Context(), of, nil); err == nil || apperr.From(err).Kind != apperr.Internal {
			t.Errorf("an answer that was exchanged is %q, %v", answer.Body, err)
		}
	}
}
