package app

import (
	"cmp"
	"context"

	"github.com/99designs/gqlgen/graphql"

	"luxbff/internal/auth"
	"luxbff/internal/ratelimit"
	"luxbff/internal/viewer"
	"luxbff/server/gqlhttp"
)

// The defaults of ACCOUNT_COST and ADDRESS_COST. A cost of 1,000 is at most a millisecond of one
// core: an account can keep a tenth of one busy. Of one address twenty such accounts can, as the
// phones of a carrier share addresses.
const (
	defaultAccountCost = 100_000
	defaultAddressCost = 2_000_000
)

// costBudgets bound what the operations of one account, and of one address, cost in a while,
// whatever transport brings them. Without them one account could keep all cores busy with the
// dearest operation that the limits of a single one allow.
type costBudgets struct {
	budgets *ratelimit.Budgets
	costs   *gqlhttp.Costs
}

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = &costBudgets{}

// costBudgets are without bounds where RATE_LIMITS lifts the limits.
func (a *App) costBudgets() *costBudgets {
	if a.Config.RateLimits == "off" {
		return &costBudgets{}
	}
	perAccount, perAddress := cmp.Or(a.Config.AccountCost, defaultAccountCost), cmp.Or(a.Config.AddressCost, defaultAddressCost)
	return &costBudgets{budgets: ratelimit.NewBudgets(perAccount, perAddress, a.options.Clock, a.metrics.CountRateLimited)}
}

// ExtensionName implements graphql.HandlerExtension.
func (*costBudgets) ExtensionName() string { return "CostBudgets" }

// Validate implements graphql.HandlerExtension.
func (c *costBudgets) Validate(schema graphql.ExecutableSchema) (err error) {
	c.costs, err = gqlhttp.NewCosts(schema.Schema())
	return err
}

// spend implements gqlhttp.Config.SpendCost.
func (c *costBudgets) spend(ctx context.Context, cost int) error {
	return c.budgets.Spend(ctx, accountOf(ctx), cost)
}

// InterceptResponse implements graphql.ResponseInterceptor. An operation is paid for before
// anybody has asked the database whether its token still opens the account. Where it does not,
// the account gets back what was taken: whoever has a token that was signed out must not
// spend the budget of its owner.
func (c *costBudgets) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	_, isUnchecked := viewer.Unchecked(ctx)
	response := next(ctx)
	// What was refused has no data, and was not paid for.
	if !isUnchecked || response == nil || response.Data == nil {
		return response
	}
	if _, err := viewer.From(ctx); err != nil {
		operation := graphql.GetOperationContext(ctx)
		c.budgets.Refund(accountOf(ctx), c.costs.OfOperation(operation.Operation, operation.Variables))
	}
	return response
}

// report implements gqlhttp.Config.ReportCost.
func (c *costBudgets) report(ctx context.Context, report map[string]any) {
	account, address := c.budgets.Of(ctx, accountOf(ctx))
	if account != nil {
		report["account"] = account
	}
	if address != nil {
		report["address"] = address
	}
}

// accountOf is the account that the token of a request or a socket names, be it checked already
// or not, and 0 for somebody who is not signed in.
func accountOf(ctx context.Context) int {
	claims := auth.ClaimsFrom(ctx)
	if claims == nil {
		return 0
	}
	return claims.RootUserID
}
