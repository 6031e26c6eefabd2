package app_test

import (
	"testing"

	"luxbff/internal/testutil/apptest"
)

// TestDemoFamilyIsMadeOnce loads the demo as a second start does: the family stays as it
// is, and nobody is signed in for it.
func TestDemoFamilyIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	count := func() [3]int {
		if err := s.App.LoadDemo(t.Context()); err != nil {
			t.Fatal(err)
		}
		read := s.App.Store.Read()
		users, sessions, logs := read.User.Query().CountX(t.Context()), read.Session.Query().CountX(t.Context()), read.Devlog.Query().CountX(t.Context())
		return [3]int{users, sessions, logs}
	}
	first := count()
	if first[0] == 0 || first[2] == 0 {
		t.Fatalf("the demo family is not there: %v users, sessions and logs", first)
	}
	if again := count(); again != first {
		t.Errorf("a second start left %v users, sessions and logs, the first %v", again, first)
	}
}
