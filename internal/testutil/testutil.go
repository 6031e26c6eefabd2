// Package testutil holds the small helpers that the tests of any package may
// use: waiting for a condition, a clock that the test moves, a log that can be
// read while it is written. It imports nothing of the project, so that a small
// package's tests don't build the whole program; helpers that need more of it
// stand in the packages below this one.
package testutil

import (
	"bytes"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen. It is far more than a
// busy machine needs: a wait that is too short fails tests by chance, and one
// that is too long costs time only where a test fails anyway.
const patience = 2 * time.Minute

var codePattern = regexp.MustCompile(`(?:^|[^0-9A-Za-z_-])([0-9]{6})(?:[^0-9A-Za-z_-]|$)`)

// CodeIn finds the code of six digits in the text of a message, in any language. What has
// more digits or stands in the token of a link is none.
func CodeIn(text string) (code string, found bool) {
	match := codePattern.FindStringSubmatch(text)
	if match == nil {
		return "", false
	}
	return match[1], true
}

// WaitFor waits until the condition holds, and fails the test if it never does.
// It looks every two milliseconds: often enough that a test hardly waits longer
// than the program takes, and seldom enough to leave the processor to it.
func WaitFor(t testing.TB, what string, condition func() bool) {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	tooLong := time.After(patience)
	for !condition() {
		select {
		case <-look.C:
		case <-tooLong:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// Receive gives the next value of a channel, and fails the test if none comes or
// the channel is closed.
func Receive[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value, open := <-from:
		if !open {
			t.Fatalf("the channel was closed instead of giving %s", what)
		}
		return value
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// Concurrently runs fn n times, all at once, and gives what each returned. All
// wait for the last to be ready, so that they do meet in what they do.
func Concurrently(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var running sync.WaitGroup
	for i := range n {
		running.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	running.Wait()
	return errs
}

// Clock is a clock that stands still until the test moves it. It shows whole
// milliseconds, as the database stores them.
type Clock struct{ now atomic.Int64 }

// NewClock makes a clock that shows the time.
func NewClock(at time.Time) *Clock {
	c := &Clock{}
	c.now.Store(at.UnixMilli())
	return c
}

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time { return time.UnixMilli(c.now.Load()).UTC() }

// Add moves the clock, back where d is negative.
func (c *Clock) Add(d time.Duration) { c.now.Add(d.Milliseconds()) }

// Log is a writer that keeps what is written, and can be read at the same time:
// what a server logs, or a process prints.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Take gives what was written so far and forgets it.
func (l *Log) Take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	l.text.Reset()
	return text
}

// Drop forgets what was written so far, with the memory that holds it.
func (l *Log) Drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = bytes.Buffer{}
}

// String is all that was written so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
