package auth_test

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/ent/verificationcode"
	"luxbff/internal/account"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/ratelimit"
	"luxbff/internal/testutil/accounttest"
)

var isDigest = regexp.MustCompile(`^[0-9a-f]{64}$`)

func clientAt(ctx context.Context, address string) context.Context {
	return ratelimit.WithClient(ctx, netip.MustParseAddr(address))
}

// TestCodesOfAPhoneADay: after 30 codes a phone gets none until the next day, and the last
// code goes on to serve.
func TestCodesOfAPhoneADay(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithQuotas(0))
	var code string
	for range 30 {
		code = k.SMSCode(t, phone)
	}
	before := k.Store.Read().VerificationCode.Query().CountX(t.Context())
	err := k.Auth.Codes.SendSMS(clientAt(t.Context(), "203.0.113.7"), auth.SendSMSParams{Phone: phone})
	accounttest.WantKind(t, err, apperr.TooManyRequests)
	if refused := apperr.From(err); refused.Field != "input.phone" || refused.RetryAfter() != 12*time.Hour {
		t.Errorf("field %q, after %v", refused.Field, refused.RetryAfter())
	}
	if after := k.Store.Read().VerificationCode.Query().CountX(t.Context()); after != before {
		t.Error("the refused code is stored")
	}
	_, err = k.Auth.Codes.VerifySMS(t.Context(), auth.VerifySMSParams{Phone: phone, Code: code})
	accounttest.OK(t, err)
	accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: "+821011112222"}))
	k.Clock.Add(12 * time.Hour)
	accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}))
}

// TestCodesOfABlockADay: the addresses of a block have a thousand codes together, whatever
// phones they name. Neither the phones nor the block stand in the database as they are.
func TestCodesOfABlockADay(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithQuotas(0))
	send := func(address string, n int) error {
		return k.Auth.Codes.SendSMS(clientAt(t.Context(), address), auth.SendSMSParams{Phone: fmt.Sprintf("+8210%08d", 20000000+n)})
	}
	for n := range 1000 {
		accounttest.OK(t, send(fmt.Sprintf("203.0.113.%d", n%256), n))
	}
	accounttest.WantKind(t, send("203.0.113.7", 1000), apperr.TooManyRequests)
	accounttest.OK(t, send("203.0.114.7", 1000))
	for _, row := range k.Store.Read().MessageQuota.Query().AllX(t.Context()) {
		if !isDigest.MatchString(row.Subject) {
			t.Fatalf("the subject is %q", row.Subject)
		}
	}
}

// TestNothingChangesWhereAChannelHasHadItsDay: a code or a link that cannot be sent replaces
// none, an address is not changed, and what an owner does to get an account back goes on.
func TestNothingChangesWhereAChannelHasHadItsDay(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, accounttest.WithQuotas(3))
	v := k.Parent(t) // one SMS
	accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}))
	accounttest.OK(t, k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}))
	reset := account.RequestPasswordResetParams{Email: email}
	for range 3 {
		accounttest.OK(t, k.Accounts.Recovery.RequestPasswordReset(t.Context(), reset))
	}
	_, link, _ := strings.Cut(k.LastMessage(t, strings.ToLower(email)).Text, "token=")
	open := func() []int {
		ids := k.Store.Read().VerificationCode.Query().Where(verificationcode.ClosedAtIsNil()).IDsX(t.Context())
		slices.Sort(ids)
		return ids
	}
	before := open()
	other := "new@lux.example"
	for name, do := range map[string]func() error{
		"a code": func() error { return k.Auth.Codes.SendSMS(t.Context(), auth.SendSMSParams{Phone: phone}) },
		"a link": func() error { return k.Accounts.Recovery.RequestPasswordReset(t.Context(), reset) },
		"a code by e-mail": func() error {
			return k.Accounts.Emails.SendVerification(t.Context(), v, account.SendEmailVerificationParams{})
		},
		"another address": func() error {
			_, err := k.Accounts.Profiles.Update(t.Context(), v, account.UpdateUserParams{Email: &other})
			return err
		},
	} {
		if err := do(); !apperr.Is(err, apperr.TooManyRequests) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if diff := cmp.Diff(before, open()); diff != "" {
		t.Errorf("open codes: %s", diff)
	}
	if u := k.Store.Read().User.GetX(t.Context(), v.RootUserID()); *u.Email != email {
		t.Errorf("the address is %s", *u.Email)
	}
	accounttest.OK(t, k.Accounts.Recovery.ResetPassword(t.Context(), account.ResetPasswordParams{Token: link, NewPassword: "another horse 2"}))
	if text := k.LastMessage(t, phone).Text; !strings.HasPrefix(text, "The password of your account was reset") {
		t.Errorf("the phone has %q", text)
	}
}
