package account_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent"
	"luxbff/ent/message"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/viewer"
)

// alerts are the alerts that are stored, as "channel address: first words".
func alerts(t *testing.T, k *accounttest.Kit) []string {
	t.Helper()
	rows, err := k.Store.Read().Message.Query().Where(message.PurposeEQ(message.PurposeImpedanceAlert)).Order(ent.Asc(message.FieldID)).All(t.Context())
	accounttest.OK(t, err)
	var all []string
	for _, row := range rows {
		words, _, _ := strings.Cut(row.Text, ":")
		all = append(all, fmt.Sprintf("%s %s: %s", row.Channel, row.To, words))
	}
	return all
}

func enableAlimtalk(t *testing.T, k *accounttest.Kit, v viewer.Viewer) {
	t.Helper()
	_, err := k.Accounts.Profiles.UpdateNotifications(t.Context(), v, account.NotificationSettings{IsDeviceAlimTalkEnabled: ptr(true)})
	accounttest.OK(t, err)
}

// TestAlertsGoWhereTheAccountHasThem: Alimtalk is Korean whatever the account reads, and an
// SMS has the account's language.
func TestAlertsGoWhereTheAccountHasThem(t *testing.T) {
	t.Parallel()
	const abroad = "+4915112345678"
	for name, c := range map[string]struct {
		phone, country string
		isEnabled      bool
		want           string
	}{
		"enabled":           {phone, "KR", true, "alimtalk " + phone + ": 전극 접촉 불량 알림"},
		"enabled, abroad":   {phone, "DE", true, "alimtalk " + phone + ": 전극 접촉 불량 알림"},
		"disabled":          {phone, "KR", false, "sms " + phone + ": 전극 접촉 불량 알림"},
		"disabled, abroad":  {phone, "DE", false, "sms " + phone + ": Poor electrode contact"},
		"no Korean phone":   {abroad, "DE", true, "sms " + abroad + ": Poor electrode contact"},
		"a Korean far away": {abroad, "KR", true, "sms " + abroad + ": 전극 접촉 불량 알림"},
	} {
		k := accounttest.New(t)
		params := accounttest.SignUpParams(k.ValidToken(t, c.phone), email, c.phone)
		params.NationalCode = c.country
		parent, err := k.Accounts.SignUps.ByEmail(t.Context(), params)
		accounttest.OK(t, err)
		v := k.Viewer(t, parent.Tokens)
		if c.isEnabled {
			enableAlimtalk(t, k, v)
		}
		accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
		if diff := cmp.Diff([]string{c.want}, alerts(t, k)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestAnAlertStandsForAMinute: a contact that comes and goes makes one message a minute.
func TestAnAlertStandsForAMinute(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	v := k.Parent(t)
	other := k.Viewer(t, k.SignUp(t, "other@lux.example", "+821099998888").Tokens)
	count := func(want int) {
		t.Helper()
		if got := alerts(t, k); len(got) != want {
			t.Errorf("alerts: %q, want %d", got, want)
		}
	}
	for range 5 {
		accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	}
	count(1)
	accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), other))
	count(2)
	k.Clock.Add(time.Minute - time.Millisecond)
	accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	count(2)
	k.Clock.Add(time.Millisecond)
	accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	count(3)
	k.Clock.Add(-time.Hour) // that alert seems to be of the future, and is an old one
	accounttest.OK(t, k.Accounts.SendImpedanceAlert(t.Context(), v))
	count(4)
}

// TestAlertsAtOnceAreOne on two replicas.
func TestAlertsAtOnceAreOne(t *testing.T) {
	t.Parallel()
	k, second := accounttest.NewReplicas(t)
	v := k.Parent(t)
	enableAlimtalk(t, k, v)
	for i, err := range testutil.Concurrently(20, func(i int) error {
		if i%2 == 0 {
			return second.Accounts.SendImpedanceAlert(t.Context(), v)
		}
		return k.Accounts.SendImpedanceAlert(t.Context(), v)
	}) {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if got := alerts(t, k); len(got) != 1 {
		t.Errorf("alerts: %q", got)
	}
}

func TestAlertsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	local := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	accounttest.WantKind(t, k.Accounts.SendImpedanceAlert(t.Context(), local), apperr.PhoneNotFound)
	v := k.Parent(t)
	mute := account.New(account.Config{Auth: k.Auth, Store: k.Store, Outbox: accounttest.New(t, accounttest.WithoutSenders).Outbox, Texts: k.Texts, Clock: k.Clock.Now})
	accounttest.WantKind(t, mute.SendImpedanceAlert(t.Context(), v), apperr.AlimtalkSendFailed)
	enableAlimtalk(t, k, v)
	accounttest.WantKind(t, mute.SendImpedanceAlert(t.Context(), v), apperr.AlimtalkSendFailed)
	if got := alerts(t, k); len(got) != 0 {
		t.Errorf("alerts: %q", got)
	}
}
