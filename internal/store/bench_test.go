package store_test

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

// writers is how many phones write at once.
const writers = 64

const (
	insertPush = "INSERT INTO push_devices (root_user_id, registration_id, created_at) VALUES ($1, $2, $3)"
	raiseOne   = "UPDATE users SET event_seq = event_seq + 1 WHERE id = $1"
)

// BenchmarkWrite writes an insert and an update, 64 writers at once: through
// the store, whose waiting writes share a commit, and with one transaction a
// write on one connection, prepared and synced alike.
func BenchmarkWrite(b *testing.B) {
	grouped := benchGroup(b)
	single := benchSingle(b)
	b.ReportMetric(grouped, "group/s")
	b.ReportMetric(single, "single/s")
	b.ReportMetric(grouped/single, "ratio")
}

func benchGroup(b *testing.B) float64 {
	db := openFile(b)
	user := newUser(b, db)
	return perSecond(b, func(name string) error {
		return db.Write(b.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := tx.Exec(ctx, insertPush, user, name, moment); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, raiseOne, user)
			return err
		})
	})
}

func benchSingle(b *testing.B) float64 {
	url := storetest.SQLiteURL(b)
	user := newUser(b, storetest.OpenAt(b, url))
	db, err := sql.Open("sqlite", url+"?_txlock=immediate&_time_format=sqlite&_pragma=busy_timeout(5000)"+
		"&_pragma=journal_mode(WAL)&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)")
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	insert, err := db.Prepare(insertPush)
	must(b, err)
	update, err := db.Prepare(raiseOne)
	must(b, err)
	return perSecond(b, func(name string) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		if _, err := tx.StmtContext(b.Context(), insert).Exec(user, name, moment); err != nil {
			return err
		}
		if _, err := tx.StmtContext(b.Context(), update).Exec(user); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// perSecond runs b.N writes, at least a hundred groups full, and gives their rate.
func perSecond(b *testing.B, write func(name string) error) float64 {
	b.Helper()
	total := int64(max(b.N, 100*writers))
	var next atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for range writers {
		running.Go(func() {
			for i := next.Add(1); i <= total; i = next.Add(1) {
				must(b, write(time.Duration(i).String()))
			}
		})
	}
	running.Wait()
	return float64(total) / time.Since(began).Seconds()
}

// BenchmarkRead reads a user by its id: by hand, prepared as the store keeps it,
// prepared but in a context that can end, and not prepared; and through ent.
func BenchmarkRead(b *testing.B) {
	url := storetest.SQLiteURL(b)
	db := storetest.OpenAt(b, url)
	user := newUser(b, db)
	plain, err := sql.Open("sqlite", url+"?mode=ro")
	must(b, err)
	b.Cleanup(func() { _ = plain.Close() })
	const byID = "SELECT id FROM users WHERE id = $1"
	b.Run("prepared", func(b *testing.B) {
		for b.Loop() {
			only(b.Context(), b, db.Query, byID, user)
		}
	})
	b.Run("cancellable", func(b *testing.B) {
		statement, err := plain.PrepareContext(b.Context(), byID)
		must(b, err)
		defer func() { must(b, statement.Close()) }()
		for b.Loop() {
			var id string
			must(b, statement.QueryRowContext(b.Context(), user).Scan(&id))
		}
	})
	b.Run("unprepared", func(b *testing.B) {
		for b.Loop() {
			var id string
			must(b, plain.QueryRowContext(context.WithoutCancel(b.Context()), byID, user).Scan(&id))
		}
	})
	b.Run("ent", func(b *testing.B) {
		for b.Loop() {
			db.Read().User.GetX(b.Context(), user)
		}
	})
}
