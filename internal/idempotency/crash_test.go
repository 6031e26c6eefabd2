package idempotency_test

import (
	"context"
	"testing"
	"time"

	"luxbff/internal/apperr"
	"luxbff/internal/idempotency"
	"luxbff/internal/testutil"
)

// crash begins the request and ends in the middle of it, before or after it has stored
// something.
func (r replica) crash(t *testing.T, stores bool) {
	t.Helper()
	_, _, err := r.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
		if stores {
			if err := r.store(ctx); err != nil {
				t.Error(err)
			}
		}
		if err := r.Store.Close(); err != nil {
			t.Error(err)
		}
		return done("nobody gets this")
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestACrash: what the program began when it ended is taken for lost after a minute. It is run
// again if it has stored nothing, and never otherwise.
func TestACrash(t *testing.T) {
	t.Parallel()
	for name, stores := range map[string]bool{"before it has stored anything": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replicas := startReplicas(t, 2)
			replicas[0].crash(t, stores)
			other := replicas[1]
			other.Clock.Add(idempotency.Lease - time.Millisecond)
			ended, cancel := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() {
				_, _, err := other.Do(ended, request(0, "a"), func(context.Context) idempotency.Answer {
					t.Error("it runs within the minute")
					return idempotency.Answer{}
				})
				result <- err
			}()
			testutil.WaitFor(t, "the other waits", func() bool { return other.looked.Load() > 1 })
			cancel()
			if err := <-result; !apperr.Is(err, apperr.IdempotencyKeyInUse) {
				t.Errorf("within the minute: %v", err)
			}
			other.Clock.Add(time.Millisecond)
			if stores {
				for range 2 {
					other.wantRefused(t, request(0, "a"), apperr.IdempotencyAnswerLost)
				}
			} else if got, isReplayed := other.mustDo(t, request(0, "a"), done("again")); got != "again" || isReplayed {
				t.Errorf("it is answered %q, replayed %t", got, isReplayed)
			}
		})
	}
}

// TestARunThatWasTakenOverStoresNothing: one that comes back after its minute, as from a
// machine that stood still, is rolled back, and leaves the answer of the other.
func TestARunThatWasTakenOverStoresNothing(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	slow, other := replicas[0], replicas[1]
	_, _, err := slow.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
		slow.Clock.Add(idempotency.Lease)
		if got, isReplayed := other.mustDo(t, request(0, "a"), done("other")); got != "other" || isReplayed {
			t.Errorf("the other is answered %q, replayed %t", got, isReplayed)
		}
		if err := slow.store(ctx); err == nil {
			t.Error("the slow run stores something")
		}
		return done("slow")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, isReplayed := slow.mustDo(t, request(0, "a"), done("third")); got != "other" || !isReplayed || slow.accounts(t) != 0 {
		t.Errorf("then the answer is %q, replayed %t, with %d accounts", got, isReplayed, slow.accounts(t))
	}
}

// TestARunThatStoresInTimeIsNotTakenOver: it comes back after its minute, and stores something
// when the other has found its claim lost and not taken it yet.
func TestARunThatStoresInTimeIsNotTakenOver(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	slow, other := replicas[0], replicas[1]
	_, _, err := slow.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
		slow.Clock.Add(idempotency.Lease)
		inTime := func() {
			if err := slow.store(ctx); err != nil {
				t.Error(err)
			}
		}
		other.onLook.Store(&inTime)
		other.wantRefused(t, request(0, "a"), apperr.IdempotencyAnswerLost)
		return done("slow")
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, isReplayed := other.mustDo(t, request(0, "a"), done("third")); got != "slow" || !isReplayed || slow.accounts(t) != 1 {
		t.Errorf("then the answer is %q, replayed %t, with %d accounts", got, isReplayed, slow.accounts(t))
	}
}

// TestAPanicLeavesNoClaim behind, unless something was stored.
func TestAPanicLeavesNoClaim(t *testing.T) {
	t.Parallel()
	for _, stores := range []bool{false, true} {
		r := start(t)
		func() {
			defer func() { _ = recover() }()
			_, _, _ = r.Do(t.Context(), request(0, "a"), func(ctx context.Context) idempotency.Answer {
				if stores {
					_ = r.store(ctx)
				}
				panic("a mistake")
			})
		}()
		if stores {
			r.wantRefused(t, request(0, "a"), apperr.IdempotencyAnswerLost)
		} else if got, _ := r.mustDo(t, request(0, "a"), done("again")); got != "again" {
			t.Errorf("it is answered %q", got)
		}
	}
}
