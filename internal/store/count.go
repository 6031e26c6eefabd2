package store

import (
	"context"
	"sync/atomic"
)

// Counter counts SQL statements, so that a test can hold how many an operation takes.
type Counter struct{ statements atomic.Int64 }

// N is the number of statements so far, without those that begin and end
// transactions.
func (c *Counter) N() int { return int(c.statements.Load()) }

type counterKey struct{}

// CountStatements gives a context and a counter of the statements that run in it,
// whether ent or a hand wrote them, and whether they read or write.
func CountStatements(ctx context.Context) (context.Context, *Counter) {
	counter := new(Counter)
	return context.WithValue(ctx, counterKey{}, counter), counter
}

func countStatement(ctx context.Context) {
	if counter, ok := ctx.Value(counterKey{}).(*Counter); ok {
		counter.statements.Add(1)
	}
}
