package background_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"luxbff/internal/background"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryCallsAfterEachIntervalUntilTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		var calls []time.Duration
		background.Every(ctx, time.Minute, func(context.Context) {
			calls = append(calls, time.Since(began))
			if len(calls) == 3 {
				cancel()
			}
		})
		if len(calls) != 3 || calls[0] != time.Minute || calls[2] != 3*time.Minute {
			t.Errorf("called after %v", calls)
		}
	})
}

func TestCallsNeverOverlapAndLateOnesAreDropped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Minute)
		defer cancel()
		calls := 0
		background.Every(ctx, time.Minute, func(context.Context) {
			calls++
			<-time.After(3 * time.Minute)
		})
		// They begin at minutes 1, 4 and 7; the next would begin after the end.
		if calls != 3 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestNoCallBeginsAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			signal := background.NewSignal()
			signal.Notify()
			background.EveryOrWhen(ctx, time.Minute, signal, func(context.Context) { t.Error("called") })
		}
	})
}

func TestASignalCallsAtOnceAndNotificationsAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		group := background.NewGroup(t.Context(), nil)
		signal := background.NewSignal()
		var calls atomic.Int32
		for range 5 {
			signal.Notify()
		}
		group.EveryOrWhen(time.Minute, signal, func(context.Context) { calls.Add(1) })
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls after five notifications", n)
		}
		<-time.After(time.Minute)
		synctest.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("%d calls after the interval", n)
		}
		group.Close()
	})
}

func TestCloseEndsTheGoroutinesAndWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		group := background.NewGroup(t.Context(), nil)
		ended := 0
		group.Go(func(ctx context.Context) {
			<-ctx.Done()
			<-time.After(time.Second)
			ended++
		})
		group.Every(time.Hour, func(context.Context) { t.Error("called") })
		group.Close()
		group.Close()
		group.Go(func(context.Context) { t.Error("run after Close") })
		synctest.Wait()
		if ended != 1 {
			t.Errorf("%d goroutines had ended", ended)
		}
	})
}

func TestTheEndOfTheParentEndsTheGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		group := background.NewGroup(ctx, nil)
		group.Every(time.Hour, func(context.Context) { t.Error("called") })
		cancel()
		synctest.Wait()
		group.Close()
	})
}

func TestCloseOfAGroupThatWasNeverStarted(t *testing.T) {
	t.Parallel()
	var group *background.Group
	group.Close()
}

// TestAPanicEndsNoWorker: each is reported, work that lasts goes on after a pause, and what
// runs once ends.
func TestAPanicEndsNoWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var panics atomic.Int32
		group := background.NewGroup(t.Context(), func(_ context.Context, p *background.Panic) {
			if p.Value != "ohno" || !strings.Contains(string(p.Stack), "TestAPanicEndsNoWorker") {
				t.Errorf("panicked with %v at\n%s", p.Value, p.Stack)
			}
			panics.Add(1)
		})
		var repeated, signalled, supervised, once atomic.Int32
		panicFirst := func(calls *atomic.Int32) func(context.Context) {
			return func(context.Context) {
				if calls.Add(1) == 1 {
					panic("ohno")
				}
			}
		}
		signal := background.NewSignal()
		signal.Notify()
		group.Every(time.Minute, panicFirst(&repeated))
		group.EveryOrWhen(time.Minute, signal, panicFirst(&signalled))
		group.Supervise(panicFirst(&supervised))
		group.Go(panicFirst(&once))
		<-time.After(150 * time.Second)
		synctest.Wait()
		group.Close()
		if repeated.Load() != 2 || signalled.Load() != 3 || supervised.Load() != 2 || once.Load() != 1 || panics.Load() != 4 {
			t.Errorf("calls %d, %d, %d and %d, panics %d", repeated.Load(), signalled.Load(), supervised.Load(), once.Load(), panics.Load())
		}
	})
}

func TestCloseEndsAWorkerThatKeepsPanicking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		group := background.NewGroup(t.Context(), func(context.Context, *background.Panic) {})
		group.Supervise(func(context.Context) { panic("ohno") })
		<-time.After(10 * time.Second)
		group.Close()
	})
}
