package usage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"luxbff/ent/usageday"
	"luxbff/internal/store"
)

const (
	// retention is longer than a year, so that a season can be compared with the last.
	retention     = 400 * 24 * time.Hour
	pruneInterval = time.Hour
	// rowsOfStatement bounds one statement: SQLite takes 32,766 parameters.
	rowsOfStatement = 500
)

const (
	addUses = `INSERT INTO usage_days (day, surface, name, app, version, requests) VALUES %s
	ON CONFLICT (day, surface, name, app, version) DO UPDATE SET requests = usage_days.requests + excluded.requests`

	rowsOfPlace = `SELECT name, app, version FROM usage_days WHERE day = $1 AND surface = $2 LIMIT $3`
)

// write adds to the rows of the day, which replicas do in turn: each has to see how many there
// are.
func write(ctx context.Context, tx *store.Tx, taken []counted) error {
	if err := tx.LockText(ctx, usageday.Table); err != nil {
		return fmt.Errorf("lock the usage: %w", err)
	}
	bounded, err := bound(ctx, tx, taken)
	if err != nil {
		return err
	}
	const columns = 6
	for rows := range slices.Chunk(bounded, rowsOfStatement) {
		args := make([]any, 0, columns*len(rows))
		for _, one := range rows {
			args = append(args, one.day, one.Surface, one.Name, one.App, one.Version, one.uses)
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(addUses, store.ValueRows(1, len(rows), columns)), args...); err != nil {
			return fmt.Errorf("add %d rows to the usage: %w", len(rows), err)
		}
	}
	return nil
}

// bound gives what is to be added, with that in the row of all others for which the database
// has no room: other replicas, or this one before it was restarted, may have filled the day.
// It asks the database only about rows that this program has not written before.
func bound(ctx context.Context, tx *store.Tx, taken []counted) (bounded []counted, err error) {
	stored := map[place]map[Use]bool{}
	others := map[place]int{}
	for _, one := range taken {
		there := place{one.day, one.Surface}
		if one.isStored {
			bounded = append(bounded, one)
			continue
		}
		if stored[there] == nil {
			if stored[there], err = rowsOf(ctx, tx, there); err != nil {
				return nil, err
			}
		}
		switch {
		case one.Use == one.orOther():
			others[there] += one.uses
		case stored[there][one.Use], len(stored[there]) < MostRows:
			stored[there][one.Use] = true
			bounded = append(bounded, one)
		default:
			others[there] += one.uses
		}
	}
	return addOthers(bounded, others), nil
}

// addOthers adds the uses without a row of their own. One statement can't change a row twice.
func addOthers(bounded []counted, others map[place]int) []counted {
	for i, one := range bounded {
		if there := (place{one.day, one.Surface}); one.Use == one.orOther() {
			bounded[i].uses += others[there]
			delete(others, there)
		}
	}
	for there, uses := range others {
		bounded = append(bounded, counted{row: row{there.day, Use{Surface: there.surface}.orOther()}, uses: uses})
	}
	slices.SortFunc(bounded, func(a, b counted) int { return a.compare(b.row) })
	return bounded
}

// rowsOf gives the uses that have a row of their own.
func rowsOf(ctx context.Context, tx *store.Tx, there place) (map[Use]bool, error) {
	rows, err := tx.Query(ctx, rowsOfPlace, there.day, there.surface, MostRows+1)
	if err != nil {
		return nil, fmt.Errorf("read the usage of a day: %w", err)
	}
	defer func() { _ = rows.Close() }()
	found := map[Use]bool{}
	for rows.Next() {
		use := Use{Surface: there.surface}
		if err := rows.Scan(&use.Name, &use.App, &use.Version); err != nil {
			return nil, fmt.Errorf("read the usage of a day: %w", err)
		}
		if use != use.orOther() {
			found[use] = true
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the usage of a day: %w", err)
	}
	return found, nil
}

// Prune removes the rows of days more than 400 days ago, a small batch a write.
func (s *Service) Prune(ctx context.Context) error {
	before := s.cfg.Clock().Add(-retention).UTC().Format(layout)
	return s.cfg.Store.DeleteInBatches(ctx, usageday.Table, "day < $1", before)
}
