package store

import (
	"context"
	"sync/atomic"
)

// Counter counts SQL statements.
type Counter struct{ statements atomic.Int64 }

// N is the number of statements so far. Those that begin and end transactions
// do not count.
func (c *Counter) N() int { return int(c.statements.Load()) }

type counterKey struct{}

// CountStatements gives a context whose statements, of ent and written by hand,
// read or write, the counter counts.
func CountStatements(ctx context.Context) (context.Context, *Counter) {
	counter := new(Counter)
	return context.WithValue(ctx, counterKey{}, counter), counter
}

func count(ctx context.Context) {
	if counter, ok := ctx.Value(counterKey{}).(*Counter); ok {
		counter.statements.Add(1)
	}
}
