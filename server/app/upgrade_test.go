package app_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
)

// TestReplicaStaysReadyDuringAnUpgrade holds that the replicas that run stay in the
// balancer until the new ones take over.
func TestReplicaStaysReadyDuringAnUpgrade(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	err := s.App.Store.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99990101000000, $1)", true)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ready := s.Call(t, http.MethodGet, "/readyz", "", "")
	if ready.Status != http.StatusOK || !strings.Contains(string(ready.Body), "an upgrade is under way") {
		t.Errorf("/readyz answers %d %s", ready.Status, ready.Body)
	}
	if response := s.Call(t, http.MethodGet, apptest.LUX+"/user/me", token, ""); response.Status != http.StatusOK {
		t.Errorf("a request is answered %d %s", response.Status, response.Body)
	}
}
