package push_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"luxbff/ent"
	"luxbff/ent/pushdevice"
	"luxbff/ent/user"
	"luxbff/internal/account"
	"luxbff/internal/message/template"
	"luxbff/internal/push"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/testutil/storetest"
)

const day = 24 * time.Hour

var token = strings.Repeat("t", 32)

// TestOldTokensArePruned 270 days after an app has set them last.
func TestOldTokensArePruned(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	agree := true
	set := func() {
		t.Helper()
		_, err := k.Accounts.Consents.Update(t.Context(), v, account.UpdatePolicyParams{IsPushAgree: &agree, PushToken: &token})
		accounttest.OK(t, err)
		_, err = k.Accounts.Push.AddDevice(t.Context(), v, account.PushDeviceParams{RegistrationID: "phone"})
		accounttest.OK(t, err)
	}
	want := func(want bool, why string) {
		t.Helper()
		accounttest.OK(t, k.Push.Prune(t.Context()))
		u := k.User(t, v.RootUserID())
		devices := k.Store.Read().PushDevice.Query().CountX(t.Context())
		if (u.PushToken != nil) != want || (u.PushTokenSetAt != nil) != want || (devices == 1) != want {
			t.Errorf("%s: the token is %v of %v, and there are %d devices", why, u.PushToken, u.PushTokenSetAt, devices)
		}
	}
	set()
	k.Clock.Add(269 * day)
	want(true, "269 days")
	set()
	k.Clock.Add(270 * day)
	want(true, "269 days, then set again, and 270")
	k.Clock.Add(2 * day)
	want(false, "272 days")
}

// TestTokensOlderThanTheirStamp have 270 days from the first time that they are seen.
func TestTokensOlderThanTheirStamp(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	id := k.Parent(t).RootUserID()
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.User.UpdateOneID(id).SetPushToken(token).Exec(ctx); err != nil {
			return err
		}
		return tx.PushDevice.Create().SetRootUserID(id).SetRegistrationID("phone").SetCreatedAt(k.Clock.Now().Add(-1000 * day)).Exec(ctx)
	})
	count := func() int {
		return k.Store.Read().User.Query().Where(user.PushTokenNotNil(), user.PushTokenSetAtNotNil()).CountX(t.Context()) +
			k.Store.Read().PushDevice.Query().Where(pushdevice.AddedAtNotNil()).CountX(t.Context())
	}
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 2}, {270 * day, 2}, {2 * day, 0}} {
		k.Clock.Add(step.after)
		accounttest.OK(t, k.Push.Prune(t.Context()))
		if got := count(); got != step.want {
			t.Errorf("%v later %d tokens, want %d", step.after, got, step.want)
		}
	}
}

// TestPruneComesToEveryRow: a run looks at so many ids and no more, and the next goes on from
// there.
func TestPruneComesToEveryRow(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range []int{1000, 1001, 100_000, 100_001, 250_000} {
			u, err := tx.User.Create().SetRegisterType("E").SetCreatedAt(k.Clock.Now()).SetPushToken(fmt.Sprint(token, id)).
				SetPushTokenSetAt(k.Clock.Now().Add(-271 * day)).Save(ctx)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "UPDATE users SET id = $1 WHERE id = $2", id, u.ID); err != nil {
				return err
			}
		}
		return nil
	})
	for run, want := range [][]int{{100_001, 250_000}, {250_000}, nil} {
		accounttest.OK(t, k.Push.Prune(t.Context()))
		left := k.Store.Read().User.Query().Where(user.PushTokenNotNil()).Order(ent.Asc(user.FieldID)).IDsX(t.Context())
		if !slices.Equal(left, want) {
			t.Errorf("run %d leaves those of %v, want %v", run+1, left, want)
		}
	}
}

// TestPruneFindsRowsByTheirIDs reads the plans of its statements.
func TestPruneFindsRowsByTheirIDs(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "push_")
	clock := testutil.NewClock(time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC))
	texts, err := template.New()
	accounttest.OK(t, err)
	service := push.New(push.Config{Store: db, Texts: texts, Clock: clock.Now})
	accounttest.OK(t, db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range 2 {
			u, err := tx.User.Create().SetRegisterType("E").SetCreatedAt(clock.Now()).SetPushToken(fmt.Sprint(token, i)).Save(ctx)
			if err != nil {
				return err
			}
			if err := tx.PushDevice.Create().SetRootUserID(u.ID).SetRegistrationID(fmt.Sprint(i)).SetCreatedAt(clock.Now()).Exec(ctx); err != nil {
				return err
			}
		}
		return nil
	}))
	*statements = nil
	accounttest.OK(t, service.Prune(t.Context()))
	inSteps := slices.DeleteFunc(*statements, func(s string) bool { return strings.Contains(s, "ORDER BY") })
	if len(inSteps) != 6 {
		t.Fatalf("statements: %q", inSteps)
	}
	for _, statement := range inSteps {
		plan := storetest.ExplainAny(t, db, statement)
		if !strings.Contains(plan, "INTEGER PRIMARY KEY") && !strings.Contains(plan, "_pkey") {
			t.Errorf("the plan of\n%s\nis\n%s", statement, plan)
		}
	}
}

// TestATokenWithoutAStampRenewsNoOther: both are looked at in one step.
func TestATokenWithoutAStampRenewsNoOther(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	without, with := k.Parent(t).RootUserID(), k.Viewer(t, k.SignUp(t, "other@example.com", "+821012345679").Tokens).RootUserID()
	stamp := k.Clock.Now().Truncate(day).Add(-100 * day)
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		if err := tx.User.UpdateOneID(without).SetPushToken(token).Exec(ctx); err != nil {
			return err
		}
		return tx.User.UpdateOneID(with).SetPushToken(token + "2").SetPushTokenSetAt(stamp).Exec(ctx)
	})
	accounttest.OK(t, k.Push.Prune(t.Context()))
	if got := k.User(t, with).PushTokenSetAt; got == nil || !got.Equal(stamp) {
		t.Errorf("stamped at %v, want %v", got, stamp)
	}
	if k.User(t, without).PushTokenSetAt == nil {
		t.Error("the other has no stamp")
	}
}
