package feed

import (
	"sync"

	"luxbff/internal/apperr"
)

// errReadBrokenOff is the error of those who waited for a read that panicked. Without one
// they would take it for a read that found nothing, and never deliver what it missed.
var errReadBrokenOff = apperr.Text("feed: a read that others waited for has panicked")

// sharedReads lets the subscriptions of an account read once what they are notified of
// together: an upload is read twice for the 32 sockets that an account may have, and not
// 32 times.
//
// A read that has begun may have missed what a subscription was notified of since. So
// nobody joins it: who comes meanwhile waits for the next, which begins when it has ended.
// Nothing is kept of a read behind its end.
type sharedReads struct {
	mu      sync.Mutex
	next    map[readKey]*sharedRead // not begun, may be joined
	running map[readKey]*sharedRead
}

// readKey are the events of an account after a number.
type readKey struct {
	rootUserID int
	after      int64
}

type sharedRead struct {
	done chan struct{}
	rows []eventRow
	err  error
}

func newSharedReads() sharedReads {
	return sharedReads{next: map[readKey]*sharedRead{}, running: map[readKey]*sharedRead{}}
}

// do gives what read reads, which begins behind the call. The rows are for reading alone.
func (s *sharedReads) do(key readKey, read func() ([]eventRow, error)) ([]eventRow, error) {
	mine, before := s.join(key)
	if mine == nil {
		<-before.done
		return before.rows, before.err
	}
	if before != nil {
		<-before.done
	}
	s.begin(key, mine)
	defer s.end(key, mine)
	mine.err = errReadBrokenOff
	mine.rows, mine.err = read()
	return mine.rows, mine.err
}

// join gives the read to wait for. Mine is nil where that is a read of somebody else's whose
// rows will do; otherwise the caller reads, behind the other, if there is one.
func (s *sharedReads) join(key readKey) (mine, other *sharedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.next[key]; next != nil {
		return nil, next
	}
	mine = &sharedRead{done: make(chan struct{})}
	s.next[key] = mine
	return mine, s.running[key]
}

func (s *sharedReads) begin(key readKey, mine *sharedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.next, key)
	s.running[key] = mine
}

func (s *sharedReads) end(key readKey, mine *sharedRead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, key)
	close(mine.done)
}
