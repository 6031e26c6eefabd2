package feed

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"luxbff/ent"
)

// TestReadsAreShared holds that who comes while a read runs gets the rows of one that
// begins later, and that all of them share that one.
func TestReadsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := newSharedReads()
		key := readKey{rootUserID: 1, after: 7}
		release := make(chan struct{})
		var mu sync.Mutex
		began := 0
		read := func() ([]eventRow, error) {
			mu.Lock()
			began++
			rows := []eventRow{{DevlogEvent: &ent.DevlogEvent{Seq: int64(began)}}}
			mu.Unlock()
			<-release
			return rows, nil
		}
		var got [32]int64
		start := func(i int) {
			go func() {
				rows, err := reads.do(key, read)
				if err == nil {
					got[i] = rows[0].Seq
				}
			}()
		}
		start(0)
		synctest.Wait()
		for i := 1; i < len(got); i++ {
			start(i)
		}
		synctest.Wait()
		if began != 1 {
			t.Errorf("%d reads run at once", began)
		}
		close(release)
		synctest.Wait()
		for i, seq := range got {
			if want := int64(min(i, 1) + 1); seq != want {
				t.Errorf("call %d got read %d, want %d", i, seq, want)
			}
		}
		if began != 2 || len(reads.next)+len(reads.running) != 0 {
			t.Errorf("%d reads, of which %d and %d are left", began, len(reads.next), len(reads.running))
		}
	})
}

// TestAPanicIsNoEmptyRead holds that who shares a read that panicked is not given an empty
// one, which would end in events that are never delivered.
func TestAPanicIsNoEmptyRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reads := newSharedReads()
		key := readKey{rootUserID: 1, after: 7}
		release := make(chan struct{})
		errs := make([]error, 2)
		call := func(err *error, read func() ([]eventRow, error)) {
			defer func() { _ = recover() }()
			_, *err = reads.do(key, read)
		}
		first := func() ([]eventRow, error) {
			<-release
			return nil, nil
		}
		broken := func() ([]eventRow, error) { panic("a read") }
		var ignored error
		go call(&ignored, first)
		synctest.Wait()
		for i := range errs { // one of them reads, and the other waits for it
			errs[i] = errors.New("no answer")
			go call(&errs[i], broken)
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		if !errors.Is(errs[0], errReadBrokenOff) && !errors.Is(errs[1], errReadBrokenOff) {
			t.Errorf("got %v and %v", errs[0], errs[1])
		}
		if len(reads.next)+len(reads.running) != 0 {
			t.Error("a read is left")
		}
	})
}
