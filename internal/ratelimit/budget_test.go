package ratelimit_test

import (
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/ratelimit"
)

// TestBudgets compares budgets with a model: what an account and an address may spend comes back
// evenly, a refused operation takes nothing from either, and the wait that a refusal names is
// neither too short nor longer than a second too long.
func TestBudgets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		perAccount := rapid.IntRange(1, 1000).Draw(t, "per account")
		perAddress := rapid.IntRange(perAccount, 2000).Draw(t, "per address")
		now := time.Unix(1_700_000_000, 0)
		refusals := 0
		budgets := ratelimit.NewBudgets(perAccount, perAddress, func() time.Time { return now }, func(string) { refusals++ })
		ctx := ratelimit.WithClient(t.Context(), netip.MustParseAddr("203.0.113.7"))
		left := map[int]float64{0: math.Inf(1), 1: float64(30 * perAccount), 2: float64(30 * perAccount)}
		address := float64(30 * perAddress)
		wanted := 0
		for range rapid.IntRange(1, 30).Draw(t, "operations") {
			pause := time.Duration(rapid.IntRange(0, 20_000).Draw(t, "pause")) * time.Millisecond
			now = now.Add(pause)
			for account := range left {
				left[account] = min(left[account]+pause.Seconds()*float64(perAccount), float64(30*perAccount))
			}
			left[0] = math.Inf(1)
			address = min(address+pause.Seconds()*float64(perAddress), float64(30*perAddress))

			account := rapid.IntRange(0, 2).Draw(t, "account")
			cost := rapid.IntRange(0, 30*perAccount).Draw(t, "cost")
			err := budgets.Spend(ctx, account, cost)
			missing := max((float64(cost)-left[account])/float64(perAccount), (float64(cost)-address)/float64(perAddress))
			// What is just enough may be so or not, as the program's numbers are no exact ones.
			if math.Abs(missing) < 1e-3 {
				return
			}
			if (err != nil) != (missing > 0) {
				t.Fatalf("account %d has %f, the address %f: %d gives %v", account, left[account], address, cost, err)
			}
			if err == nil {
				left[account] -= float64(cost)
				address -= float64(cost)
			} else if wait := apperr.From(err).RetryAfter().Seconds(); wait < max(1, missing-1e-3) || wait > math.Ceil(max(1, missing)+1e-3) {
				t.Fatalf("%f s are named, and %f are missing", wait, missing)
			} else {
				wanted++
			}
			ofAccount, ofAddress := budgets.Of(ctx, account)
			if (ofAccount == nil) != (account == 0) || ofAccount != nil && math.Abs(float64(ofAccount.Left)-left[account]) > 1.01 {
				t.Fatalf("account %d has %+v, want %f", account, ofAccount, left[account])
			}
			if math.Abs(float64(ofAddress.Left)-address) > 1.01 || ofAddress.Limit != 30*perAddress || ofAddress.Refilled != perAddress {
				t.Fatalf("the address has %+v, want %f", ofAddress, address)
			}
		}
		if refusals != wanted {
			t.Fatalf("%d refusals are reported of %d", refusals, wanted)
		}
	})
}
