package devlog

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/rejecteddevlog"
	"luxbff/internal/store"
)

// Operator shows rejected records to whoever runs the program.
type Operator struct{ store *store.Store }

// NewOperator makes it.
func NewOperator(db *store.Store) *Operator { return &Operator{db} }

// RejectedRecord is a rejected record as it is kept.
type RejectedRecord struct {
	ID, RootUserID int
	// Code is the error's code in GraphQL, and Field the member of the record that is wrong.
	Code, Field string
	// Record is JSON, with the names of DevlogInput.
	Record string
	// Times is how often it was sent, first at FirstAt and last at LastAt.
	Times           int
	FirstAt, LastAt time.Time
}

func newRejectedRecord(row *ent.RejectedDevlog) RejectedRecord {
	return RejectedRecord{
		ID: row.ID, RootUserID: row.RootUserID, Code: row.Code, Field: row.Field, Record: row.Record,
		Times: row.Times, FirstAt: row.CreatedAt, LastAt: row.RejectedAt,
	}
}

// List gives the rejected records that were kept last, the newest first. A rootUserID other
// than 0 narrows it to one account.
func (o *Operator) List(ctx context.Context, rootUserID, limit int) ([]RejectedRecord, error) {
	query := o.store.Read().RejectedDevlog.Query().Order(ent.Desc(rejecteddevlog.FieldID)).Limit(limit)
	if rootUserID != 0 {
		query.Where(rejecteddevlog.RootUserID(rootUserID))
	}
	rows, err := query.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list rejected devlogs: %w", err)
	}
	all := make([]RejectedRecord, len(rows))
	for i, row := range rows {
		all[i] = newRejectedRecord(row)
	}
	return all, nil
}

// Show gives one.
func (o *Operator) Show(ctx context.Context, id int) (RejectedRecord, error) {
	row, err := o.store.Read().RejectedDevlog.Get(ctx, id)
	if ent.IsNotFound(err) {
		return RejectedRecord{}, fmt.Errorf("there is no rejected devlog %d", id)
	}
	if err != nil {
		return RejectedRecord{}, fmt.Errorf("read a rejected devlog: %w", err)
	}
	return newRejectedRecord(row), nil
}
