//go:build npm

package clients_test

import (
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestCatchingUp runs what the guide shows of a phone that was away for longer than the feed is kept.
func TestCatchingUp(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	family := newFamily(t, s)
	s.CreateChild(t, family.Token)
	if out := runNode(t, npm, family, "logs-test.js"); out != "the phone has caught up\n" {
		t.Errorf("%s", out)
	}
}
