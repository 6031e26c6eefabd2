package child_test

import (
	"strings"
	"testing"

	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
)

// TestChildrenAreCountedByAnIndex reads the plan of the statement that looks whether an
// account has room for one more child.
func TestChildrenAreCountedByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "LIMIT 50")
	kit := domaintest.New(db)
	parent := kit.Parent(t)
	kit.Child(t, parent)
	if len(*statements) != 1 {
		t.Fatalf("%d statements count children", len(*statements))
	}
	plan := storetest.Explain(t, db, (*statements)[0], parent.RootUserID())
	if !strings.Contains(plan, "childuser_root_user_id") {
		t.Errorf("the plan of\n%s\nis\n%s", (*statements)[0], plan)
	}
}
