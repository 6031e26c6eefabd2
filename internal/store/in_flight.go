package store

import "sync"

// inFlight counts the writes that are under way, or the connections that are open, so that
// a store closes after the last of them. The zero value is open.
type inFlight struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// begin counts one in, unless the store is closed. Each true needs one end.
func (f *inFlight) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.running.Add(1)
	}
	return !f.closed
}

// beginOther counts in what goes on after the write that calls it, which has not
// ended yet. So it is let in after close, too.
func (f *inFlight) beginOther() { f.running.Add(1) }

func (f *inFlight) end() { f.running.Done() }

// close lets no more begin, waits for the last to end, and reports whether
// it was the first call.
func (f *inFlight) close() (first bool) {
	f.mu.Lock()
	first = !f.closed
	f.closed = true
	f.mu.Unlock()
	f.running.Wait()
	return first
}
