package store

import (
	"context"
	"errors"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

var errNoTransaction = errors.New("store: transactions begin with Write")

// entDriver lets ent run on a connection of the store. A transaction that ent
// would begin for itself, to write a row with its edges, is part of the Write
// around it.
type entDriver struct {
	*entsql.Driver
	inWrite bool
	limit   time.Duration // of one read, 0 for none
}

func newDriver(engine string, conn entsql.ExecQuerier, inWrite bool, limit time.Duration) entDriver {
	return entDriver{entsql.NewDriver(engine, entsql.Conn{ExecQuerier: conn}), inWrite, limit}
}

// Query runs a statement of ent. What breaks off between two rows is told apart
// like what fails at once.
func (d entDriver) Query(ctx context.Context, query string, args, into any) error {
	ctx, end := bounded(ctx, d.limit)
	rows, ok := into.(*entsql.Rows)
	if err := d.Driver.Query(ctx, query, args, into); err != nil || !ok {
		end()
		return err
	}
	rows.ColumnScanner = checkedRows{rows.ColumnScanner, end}
	return nil
}

type checkedRows struct {
	entsql.ColumnScanner
	end context.CancelFunc
}

// Close gives the connection back.
func (r checkedRows) Close() error {
	defer r.end()
	return r.ColumnScanner.Close()
}

// Err is why there are no more rows, nil after the last.
func (r checkedRows) Err() error { return unavailable(r.ColumnScanner.Err()) }

// Tx gives ent the transaction that is there already.
func (d entDriver) Tx(context.Context) (dialect.Tx, error) {
	if !d.inWrite {
		return nil, errNoTransaction
	}
	return dialect.NopTx(d), nil
}

// BeginTx refuses: an isolation level of its own is not to be had.
func (d entDriver) BeginTx(context.Context, *entsql.TxOptions) (dialect.Tx, error) {
	return nil, errNoTransaction
}

// Close leaves the connection to the store.
func (d entDriver) Close() error { return nil }
