package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

// dear is an operation that costs dearCost, of whoever it asks after.
const (
	dear     = `{ childUsers { devlogs(first: 100) { edges { node { id status } } } } }`
	dearCost = 1 + 50*(50+100*4)
)

// startWithBudgets starts a server whose budgets hold so much. Its clock stands still, so that
// nothing comes back unless a test says so.
func startWithBudgets(t *testing.T, account, address int) *apptest.Server {
	t.Helper()
	return apptest.Start(t, func(c *app.Config) {
		c.RateLimits, c.AccountCost, c.AddressCost = "on", account/30, address/30
	})
}

// TestCostsAreBoundedOnEveryTransport spends the budget of an account: as many operations run as
// it can pay for, the next is refused until the time that the refusal names, and another
// account's budget is its own.
func TestCostsAreBoundedOnEveryTransport(t *testing.T) {
	t.Parallel()
	for name, execute := range transports() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startWithBudgets(t, 300_000, 3_000_000)
			token, _ := s.Parent(t)
			send := execute(t, s, token)
			refused := ""
			for n := range 300_000/dearCost + 1 {
				answer := send(dear)
				if isRefused := strings.Contains(answer, `"TOO_MANY_REQUESTS"`); isRefused != (n == 300_000/dearCost) {
					t.Fatalf("operation %d: %s", n, answer)
				}
				refused = answer
			}
			wait := time.Duration(retryAfter(t, refused)) * time.Millisecond
			s.Clock.Add(wait - time.Second)
			if answer := send(dear); !strings.Contains(answer, `"TOO_MANY_REQUESTS"`) {
				t.Errorf("a second before the time that the refusal names: %s", answer)
			}
			s.Clock.Add(time.Second)
			if answer := send(dear); strings.Contains(answer, `"errors"`) {
				t.Errorf("at the time that the refusal names: %s", answer)
			}
			other, _ := s.Parent(t)
			if answer := execute(t, s, other)(dear); strings.Contains(answer, `"errors"`) {
				t.Errorf("another account: %s", answer)
			}
		})
	}
}

// retryAfter reads retryAfterMs of a refusal, in whatever frame it stands.
func retryAfter(t *testing.T, refusal string) (milliseconds int) {
	t.Helper()
	_, after, _ := strings.Cut(refusal, `"retryAfterMs":`)
	if _, err := fmt.Sscan(after, &milliseconds); err != nil || milliseconds < 1000 {
		t.Fatalf("%s names %d ms: %v", refusal, milliseconds, err)
	}
	return milliseconds
}

// TestOneAddressHasABudget holds that many accounts at one address share one, whether somebody is
// signed in or not, and that another address has another.
func TestOneAddressHasABudget(t *testing.T) {
	t.Parallel()
	s := startWithBudgets(t, 300_000, 400_000)
	for n := range 400_000/dearCost + 1 {
		token, _ := s.Parent(t)
		answer := s.Do(t, graphQLRequest(t, s, token, "application/json", ""))
		if isRefused := answer.Status == http.StatusTooManyRequests; isRefused != (n == 400_000/dearCost) {
			t.Fatalf("account %d: %d %s", n, answer.Status, answer.Body)
		}
	}
	if w := sendFrom(s, somebody, "", "/graphql", `{"query": "{ me { id } }"}`); w.Code != http.StatusOK {
		t.Errorf("another address: %d %s", w.Code, w.Body)
	}
}

// TestSpentBudgetIs429 holds the status and the header under both media types, and that what is
// left stands in the report.
func TestSpentBudgetIs429(t *testing.T) {
	t.Parallel()
	s := startWithBudgets(t, 300_000, 3_000_000)
	token, _ := s.Parent(t)
	for n := range 300_000 / dearCost {
		var answer struct {
			Extensions struct {
				Cost struct {
					Operation, Limit int
					Account, Address struct{ Limit, Left, Refilled int }
				}
			}
		}
		if err := json.Unmarshal(s.Do(t, graphQLRequest(t, s, token, "application/json", "report")).Body, &answer); err != nil {
			t.Fatal(err)
		}
		cost := answer.Extensions.Cost
		if spent := (n + 1) * dearCost; cost.Operation != dearCost || cost.Account.Limit != 300_000 ||
			cost.Account.Left != 300_000-spent || cost.Account.Refilled != 10_000 ||
			cost.Address.Limit != 3_000_000 || cost.Address.Refilled != 100_000 || cost.Address.Left != 3_000_000-spent {
			t.Fatalf("after %d: %+v", spent, cost)
		}
	}
	for _, accept := range []string{"application/json", "application/graphql-response+json"} {
		answer := s.Do(t, graphQLRequest(t, s, token, accept, ""))
		wait := retryAfter(t, string(answer.Body))
		if got := answer.Header.Get("Retry-After"); answer.Status != http.StatusTooManyRequests || got != fmt.Sprint((wait+999)/1000) {
			t.Errorf("%s: %d, Retry-After %q for %d ms", accept, answer.Status, got, wait)
		}
	}
	if refused := readMetrics(t, s)[`luxbff_rate_limited_total{limit="cost-account"}`]; refused != 2 {
		t.Errorf("%v refused are counted", refused)
	}
}

// TestATokenThatWasSignedOutSpendsNothing sends operations with a token that no longer opens its
// account, on a transport that checks it with each. Its owner can spend all there is.
func TestATokenThatWasSignedOutSpendsNothing(t *testing.T) {
	t.Parallel()
	s := startWithBudgets(t, 300_000, 3_000_000)
	token, _ := s.Parent(t)
	var signedIn struct {
		SignIn struct{ Tokens struct{ AccessToken string } }
	}
	s.Data(t, "", `mutation { signIn(input: {email: "parent1@example.com", password: "secret123"}) { tokens { accessToken } } }`, nil, &signedIn)
	s.Data(t, token, `mutation { signOut { ok } }`, nil, new(map[string]any))
	for range 2 * 300_000 / dearCost {
		if answer := s.Do(t, graphQLRequest(t, s, token, "application/json", "")); answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), "UNAUTHENTICATED") {
			t.Fatalf("the token that was signed out: %d %s", answer.Status, answer.Body)
		}
	}
	for n := range 300_000/dearCost - 1 {
		if answer := s.Do(t, graphQLRequest(t, s, signedIn.SignIn.Tokens.AccessToken, "application/json", "")); answer.Status != http.StatusOK {
			t.Fatalf("operation %d of the owner: %d %s", n, answer.Status, answer.Body)
		}
	}
	// What was refused took nothing, so that it gives nothing back either.
	owner := signedIn.SignIn.Tokens.AccessToken
	s.Do(t, graphQLRequest(t, s, owner, "application/json", "")) // the last that can be paid for
	for _, as := range []string{owner, token, token, owner} {
		if answer := s.Do(t, graphQLRequest(t, s, as, "application/json", "")); answer.Status != http.StatusTooManyRequests {
			t.Errorf("with nothing left: %d %s", answer.Status, answer.Body)
		}
	}
}

func graphQLRequest(t *testing.T, s *apptest.Server, token, accept, cost string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/graphql", strings.NewReader(fmt.Sprintf(`{"query": %q}`, dear)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", accept)
	r.Header.Set("Authorization", "Bearer "+token)
	if cost != "" {
		r.Header.Set("GraphQL-Cost", cost)
	}
	return r
}

func TestBudgetsMustPayForAnOperation(t *testing.T) {
	t.Parallel()
	for perSecond, isGood := range map[int]bool{-1: false, 0: true, 8_333: false, 8_334: true, 1_000_000_000: true, 1_000_000_001: false} {
		for name, cfg := range map[string]app.Config{
			"ACCOUNT_COST": {Env: "development", AccountCost: perSecond},
			"ADDRESS_COST": {Env: "development", AddressCost: perSecond},
		} {
			err := cfg.Check()
			if isGood != (err == nil) || err != nil && !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%d: %v", name, perSecond, err)
			}
		}
	}
}
