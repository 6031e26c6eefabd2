package history

import "testing"

// TestWhoHasMissedSomething: a poll has only those read again for whom something may be new.
func TestWhoHasMissedSomething(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sub    *subscriber
		newest int
		want   bool
	}{
		"nothing is new":                      {&subscriber{newest: 5}, 5, false},
		"a message is new":                    {&subscriber{newest: 5}, 6, true},
		"another is new than the one":         {&subscriber{newest: 5, only: 5}, 6, false},
		"one that it has seen is still going": {&subscriber{newest: 5, waits: true}, 5, true},
	} {
		if got := c.sub.hasMissed(c.newest); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
