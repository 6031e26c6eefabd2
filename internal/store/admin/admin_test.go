package admin_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/store"
	"luxbff/internal/testutil/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

var moment = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// newUser writes a user and gives its id.
func newUser(t testing.TB, db *store.Store) (id int) {
	t.Helper()
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		user, err := tx.User.Create().SetRegisterType(vocab.RegisteredByEmail).SetCreatedAt(moment).Save(ctx)
		if err == nil {
			id = user.ID
		}
		return err
	}))
	return id
}

// writePairs writes pairs of push devices at once, each pair in one transaction.
func writePairs(t testing.TB, db *store.Store, user, pairs int) {
	var running sync.WaitGroup
	for i := range pairs {
		running.Go(func() {
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for half := range 2 {
					_, err := tx.Exec(ctx, "INSERT INTO push_devices (root_user_id, registration_id, created_at) VALUES ($1, $2, $3)",
						user, fmt.Sprint(i, "/", half), moment)
					if err != nil {
						return err
					}
				}
				return nil
			}))
		})
	}
	running.Wait()
}
