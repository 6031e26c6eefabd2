package feed_test

import (
	"strings"
	"testing"

	"luxbff/internal/feed"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestOldestResumePointIsFoundByAnIndex reads the plan of the statement that looks for
// resume points over the bound, which runs for each new one.
func TestOldestResumePointIsFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "OFFSET")
	h := domaintest.New(db).Home(t)
	if _, err := open(t, h, feed.SubscribeParams{InstallationID: new("phone")}); err != nil {
		t.Fatal(err)
	}
	if len(*statements) != 1 {
		t.Fatalf("%d statements look for the oldest", len(*statements))
	}
	plan := storetest.Explain(t, db, (*statements)[0], h.Parent.RootUserID())
	for _, scan := range []string{"Seq Scan on feed_positions", "SCAN feed_positions"} {
		if strings.Contains(plan, scan) || !strings.Contains(plan, "feedposition_root_user_id_updated_at") {
			t.Errorf("the plan of\n%s\nis\n%s", (*statements)[0], plan)
		}
	}
}
