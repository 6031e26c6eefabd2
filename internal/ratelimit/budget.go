package ratelimit

import (
	"context"
	"strconv"
	"time"

	"luxbff/internal/apperr"
)

// BudgetSeconds is how many seconds of its refill a budget holds: an app that opens all its
// screens at once after a week is not held up by what it may spend in a second.
const BudgetSeconds = 30

// MaxRefill is the largest refill of a budget a second.
const MaxRefill = 1_000_000_000

// Budgets bound what the operations of one account, and of all accounts at one address, may
// cost in a while. Like the buckets of a [Limiter] they are in the memory of one replica. They
// are kept apart from those, which many accounts must not push out. Nil Budgets let everything
// through.
type Budgets struct {
	account, address limit
	limiter          *Limiter
}

// NewBudgets makes budgets that are refilled by so much a second, and hold 30 times as much.
// Each of the numbers is from 1 to [MaxRefill].
func NewBudgets(perAccount, perAddress int, clock func() time.Time, onRefused func(limit string)) *Budgets {
	limiter := New(clock)
	limiter.OnRefused = onRefused
	return &Budgets{budgetLimit("cost-account", perAccount), budgetLimit("cost-address", perAddress), limiter}
}

func budgetLimit(name string, perSecond int) limit {
	return limit{name, BudgetSeconds * perSecond, time.Second / time.Duration(perSecond)}
}

// Spend takes what an operation costs from the budget of the account, which is 0 for somebody
// who is not signed in, and from that of the client's address. A refused operation takes from
// neither. Errors: TooManyRequests.
func (b *Budgets) Spend(ctx context.Context, account, cost int) error {
	if b == nil {
		return nil
	}
	refund := func() {}
	if account != 0 {
		var err error
		if refund, err = b.limiter.reserve(b.account, strconv.Itoa(account), cost); err != nil {
			return b.waitForBoth(ctx, err, cost)
		}
	}
	if _, err := b.limiter.reserve(b.address, ClientOf(ctx), cost); err != nil {
		refund()
		return err
	}
	return nil
}

// Refund gives back to the account what an operation took, because it turned out that it was not
// the account's.
func (b *Budgets) Refund(account, cost int) {
	if b != nil && account != 0 {
		b.limiter.refund(b.account, strconv.Itoa(account), cost)
	}
}

// waitForBoth gives the refusal of an account the wait after which its address has enough too.
func (b *Budgets) waitForBoth(ctx context.Context, refusal error, cost int) error {
	missing := float64(cost) - b.limiter.tokens(b.address, ClientOf(ctx))
	if wait := b.address.wait(missing); wait > apperr.From(refusal).RetryAfter() {
		return apperr.TooManyRequests.WithRetryAfter(wait)
	}
	return refusal
}

// Budget is one budget, in the cost of a plain field.
type Budget struct {
	// Limit is what it holds when nothing was spent, Left what it holds now, and Refilled
	// what comes back in a second.
	Limit    int `json:"limit"`
	Left     int `json:"left"`
	Refilled int `json:"refilled"`
}

// Of gives the budget of the account, which is nil for 0, and that of the client's address.
// Both are nil where nothing is bounded.
func (b *Budgets) Of(ctx context.Context, account int) (ofAccount, ofAddress *Budget) {
	if b == nil {
		return nil, nil
	}
	if account != 0 {
		ofAccount = b.budget(b.account, strconv.Itoa(account))
	}
	return ofAccount, b.budget(b.address, ClientOf(ctx))
}

func (b *Budgets) budget(lim limit, subject string) *Budget {
	left := int(b.limiter.tokens(lim, subject))
	return &Budget{Limit: lim.burst, Left: left, Refilled: lim.burst / BudgetSeconds}
}
