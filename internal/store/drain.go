package store

import "sync"

// drain lets what has entered leave before the store closes.
type drain struct {
	mu     sync.Mutex
	closed bool
	inside sync.WaitGroup
}

// enter is false once closed; leave must follow it otherwise.
func (d *drain) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.inside.Add(1)
	}
	return !d.closed
}

// enterAgain counts one who has entered twice, so that another may stay on.
func (d *drain) enterAgain() { d.inside.Add(1) }

func (d *drain) leave() { d.inside.Done() }

// close waits until all have left, and says whether it was the first to close.
func (d *drain) close() (first bool) {
	d.mu.Lock()
	first = !d.closed
	d.closed = true
	d.mu.Unlock()
	d.inside.Wait()
	return first
}
