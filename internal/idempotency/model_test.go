package idempotency_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/idempotency"
)

// kept is what the model knows of a key.
type kept struct {
	what, answer string
	at           time.Time
}

// TestAnyOrderOfRequests compares with a model what two replicas answer to requests of a few
// keys, accounts and contents, which come to something, come to nothing, or store something
// and come to nothing, while the time passes.
func TestAnyOrderOfRequests(t *testing.T) {
	t.Parallel()
	replicas := startReplicas(t, 2)
	accounts := []int{0, replicas[0].Parent(t).RootUserID(), replicas[0].Parent(t).RootUserID()}
	tries := 0
	rapid.Check(t, func(rt *rapid.T) {
		tries++ // the keys of each try are its own
		model := map[string]kept{}
		runs := 0
		for range rapid.IntRange(1, 15).Draw(rt, "requests") {
			r := rapid.SampledFrom(replicas).Draw(rt, "replica")
			r.Clock.Add(rapid.SampledFrom([]time.Duration{0, time.Second, idempotency.Lease, idempotency.Retention / 2}).Draw(rt, "later"))
			what := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "what")
			request := idempotency.Request{
				RootUserID: rapid.SampledFrom(accounts).Draw(rt, "account"),
				Key:        fmt.Sprintf("%s-%d-%d", key, tries, rapid.IntRange(1, 2).Draw(rt, "key")),
				Digest:     idempotency.Digest(what),
			}
			status := rapid.SampledFrom([]int{200, 409, 503}).Draw(rt, "status")
			stores := rapid.Bool().Draw(rt, "stores")
			name := fmt.Sprint(request.RootUserID, request.Key)
			before, isKept := model[name]
			isKept = isKept && r.Clock.Now().Sub(before.at) < idempotency.Retention
			ran := false
			answer, isReplayed, err := r.Do(t.Context(), request, func(ctx context.Context) idempotency.Answer {
				ran = true
				if stores {
					if err := r.store(ctx); err != nil {
						rt.Error(err)
					}
				}
				runs++
				return idempotency.Answer{Status: status, Body: fmt.Append(nil, runs), Outcome: idempotency.OutcomeOf(status)}
			})
			switch {
			case isKept && before.what != what:
				if !apperr.Is(err, apperr.IdempotencyKeyReused) || ran {
					rt.Fatalf("another request with a key: ran %t, %v", ran, err)
				}
			case err != nil || isReplayed != isKept || ran == isKept:
				rt.Fatalf("kept %t: replayed %t, ran %t, %v", isKept, isReplayed, ran, err)
			case isKept && string(answer.Body) != before.answer:
				rt.Fatalf("the answer %s is given again as %s", before.answer, answer.Body)
			case !isKept:
				delete(model, name)
				if status == 200 || status == 409 && request.RootUserID != 0 || stores {
					model[name] = kept{what, string(answer.Body), r.Clock.Now()}
				}
			}
		}
	})
}
