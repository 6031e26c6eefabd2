package store

import (
	"context"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"luxbff/internal/apperr"
)

var errNoTransaction = apperr.Text("store: transactions begin with Write")

// entDriver lets ent run on a connection of the store. Where ent would begin a
// transaction, as it does to write a row with its edges, it gets the one of the Write
// around it.
type entDriver struct {
	*entsql.Driver
	inWrite bool
	limit   time.Duration // of one read, 0 for none
}

func newDriver(engine string, conn entsql.ExecQuerier, inWrite bool, limit time.Duration) entDriver {
	return entDriver{entsql.NewDriver(engine, entsql.Conn{ExecQuerier: conn}), inWrite, limit}
}

// Query runs a statement of ent. The rows end the limit of the read when they are
// closed, and translate their errors: a connection may be lost between two of them.
func (d entDriver) Query(ctx context.Context, query string, args, into any) error {
	ctx, end := withReadLimit(ctx, d.limit)
	rows, ok := into.(*entsql.Rows)
	if err := d.Driver.Query(ctx, query, args, into); err != nil || !ok {
		end()
		return err
	}
	rows.ColumnScanner = limitedRows{rows.ColumnScanner, end}
	return nil
}

// limitedRows are the rows of ent that [Rows] are for a statement written by hand.
type limitedRows struct {
	entsql.ColumnScanner
	end context.CancelFunc
}

// Close gives the connection back.
func (r limitedRows) Close() error {
	defer r.end()
	return r.ColumnScanner.Close()
}

// Err is why there are no more rows, nil after the last.
func (r limitedRows) Err() error { return explain(r.ColumnScanner.Err()) }

// Tx gives ent the transaction of the Write around it.
func (d entDriver) Tx(context.Context) (dialect.Tx, error) {
	if !d.inWrite {
		return nil, errNoTransaction
	}
	return dialect.NopTx(d), nil
}

// BeginTx is an error: the transaction that is there has its isolation level.
func (d entDriver) BeginTx(context.Context, *entsql.TxOptions) (dialect.Tx, error) {
	return nil, errNoTransaction
}

// Close does nothing, as the store closes the connection.
func (d entDriver) Close() error { return nil }
