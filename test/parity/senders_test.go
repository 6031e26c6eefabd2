package parity_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"luxbff/internal/auth"
	"luxbff/internal/ratelimit"
	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// TestEverySenderIsLimited does each action for a client that has had all the messages it
// may have. None stores one more; those that would are refused. Reports of changes are
// another thing: see TestChangesAreLimitedButNoWayBack.
func TestEverySenderIsLimited(t *testing.T) {
	t.Parallel()
	facebook := apptest.StartFacebook(t)
	var refused atomic.Int64
	t.Run("actions", func(t *testing.T) {
		for _, a := range allActions() {
			if a.code != "" {
				continue // it would send nothing anyway
			}
			t.Run(a.name, func(t *testing.T) {
				t.Parallel()
				limited := func() *world {
					return newWorld(t, a, facebook, func(c *app.Config) { c.RateLimits = "on" })
				}
				w := limited()
				if w.sendsNothingMore(t, func() string { return w.execute(t, a) }) {
					refused.Add(1)
				}
				for _, call := range a.rest {
					w := limited()
					if w.sendsNothingMore(t, func() string { return w.request(t, a, call) }) {
						refused.Add(1)
					}
				}
			})
		}
	})
	// A code by SMS and by e-mail, a reset mail and an alert, on each surface that has it.
	if got := refused.Load(); got != 11 {
		t.Errorf("%d calls were refused, want 11", got)
	}
}

// sendsNothingMore uses up the messages of the client, does the action and fails if it
// stores a message. It reports whether the action was refused as one too many.
func (w *world) sendsNothingMore(t *testing.T, do func() string) (refused bool) {
	t.Helper()
	here := ratelimit.WithClient(t.Context(), netip.MustParseAddr("127.0.0.1"))
	for n := 0; w.App.Auth.Codes.SendSMS(here, auth.SendSMSParams{Phone: fmt.Sprintf("+8210777700%02d", n)}) == nil; n++ {
		if n == 99 {
			t.Fatal("a client may have 99 messages sent")
		}
	}
	before := w.messages(t)
	code := do()
	for _, message := range w.messages(t) {
		isReport := strings.Contains(message, "purpose=account_report")
		if !slices.Contains(before, message) && !isReport {
			t.Errorf("sent beyond the limit: %s", message)
		}
	}
	if code != "" && code != "TOO_MANY_REQUESTS" {
		t.Errorf("the error is %s", code)
	}
	return code != ""
}

// messages are the rows of the messages.
func (w *world) messages(t *testing.T) []string {
	t.Helper()
	return w.Rows(t, "messages", apptest.Columns{Ignored: apptest.WorkerColumns()})
}
