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
// are. It gives what has a row of its own and what has none, in the order of taken.
func write(ctx context.Context, tx *store.Tx, taken []counted) ([]room, error) {
	if err := tx.LockText(ctx, usageday.Table); err != nil {
		return nil, fmt.Errorf("lock the usage: %w", err)
	}
	rooms, err := findRooms(ctx, tx, taken)
	if err != nil {
		return nil, err
	}
	const columns = 6
	for rows := range slices.Chunk(withOthers(taken, rooms), rowsOfStatement) {
		args := make([]any, 0, columns*len(rows))
		for _, one := range rows {
			args = append(args, one.day, one.Surface, one.Name, one.App, one.Version, one.uses)
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf(addUses, store.ValueRows(1, len(rows), columns)), args...); err != nil {
			return nil, fmt.Errorf("add %d rows to the usage: %w", len(rows), err)
		}
	}
	return rooms, nil
}

// findRooms says what has a row of its own: other replicas, or this one before it was
// restarted, may have filled the day. It asks the database only about what this program has
// not written before.
func findRooms(ctx context.Context, tx *store.Tx, taken []counted) ([]room, error) {
	stored := map[place]map[Use]bool{}
	rooms := make([]room, len(taken))
	for i, one := range taken {
		if rooms[i] = one.room; one.room != notAsked {
			continue
		}
		there := place{one.day, one.Surface}
		if stored[there] == nil {
			found, err := rowsOf(ctx, tx, there)
			if err != nil {
				return nil, err
			}
			stored[there] = found
		}
		switch {
		case one.Use == one.orOther():
			rooms[i] = hasNone
		case stored[there][one.Use], len(stored[there]) < MostRows:
			stored[there][one.Use] = true
			rooms[i] = hasRow
		default:
			rooms[i] = hasNone
		}
	}
	return rooms, nil
}

// withOthers gives the rows with what is added to each, sorted as all replicas sort them. What
// has no row of its own is added to the one of all others.
func withOthers(taken []counted, rooms []room) (rows []counted) {
	others := map[place]int{}
	for i, one := range taken {
		if rooms[i] == hasRow {
			rows = append(rows, one)
		} else {
			others[place{one.day, one.Surface}] += one.uses
		}
	}
	for there, uses := range others {
		rows = append(rows, counted{row: row{there.day, Use{Surface: there.surface}.orOther()}, uses: uses})
	}
	slices.SortFunc(rows, func(a, b counted) int { return a.compare(b.row) })
	return rows
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
