package auth_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/message"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
)

func TestRefreshTokens(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	first := k.SignUp(t, email, phone).Tokens
	refresh := func(text string) (auth.Tokens, error) {
		return k.Auth.Sessions.Refresh(t.Context(), text)
	}
	second, err := refresh(first.RefreshToken)
	accounttest.OK(t, err)
	k.Viewer(t, first)
	session := k.Viewer(t, second).SessionID

	_, err = refresh(second.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = refresh("your_token_here")
	accounttest.WantKind(t, err, apperr.Unauthenticated)

	_, err = refresh(first.RefreshToken) // its successor was used by k.Viewer
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: first.RootUserID, SessionIDs: []int{session}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	_, err = k.Auth.Sessions.Authenticate(t.Context(), second.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = refresh(second.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)

	fresh, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	k.Clock.Add(14*24*time.Hour - time.Second)
	fresh.Tokens, err = refresh(fresh.Tokens.RefreshToken)
	accounttest.OK(t, err)
	k.Clock.Add(14*24*time.Hour + token.Skew)
	_, err = refresh(fresh.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
}

func TestSignOutTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	stays := k.SignUp(t, email, phone).Tokens
	goes, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
	accounttest.OK(t, err)
	v := k.Viewer(t, goes.Tokens)
	accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
	accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
	_, err = k.Auth.Sessions.Authenticate(t.Context(), goes.Tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.Sessions.Refresh(t.Context(), goes.Tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	k.Viewer(t, stays)
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: v.RootUserID(), SessionIDs: []int{v.SessionID}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
}

func TestStartSession(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	id := k.SignUp(t, email, phone).User.ID
	tokens, err := k.Auth.Sessions.Start(t.Context(), id, time.Hour)
	accounttest.OK(t, err)
	k.Clock.Add(59 * time.Minute)
	k.Viewer(t, tokens)
	_, err = k.Auth.Sessions.Start(t.Context(), 999, 0)
	accounttest.WantKind(t, err, apperr.UserIsNone)
}

// TestLostAnswer is what a phone does that loses the answer to a refresh: it sends
// the old token again, any number of times, and goes on as if nothing had happened.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	first := k.SignUp(t, email, phone).Tokens
	lost, err := k.Auth.Sessions.Refresh(t.Context(), first.RefreshToken)
	accounttest.OK(t, err)
	k.Clock.Add(time.Minute)
	again, err := k.Auth.Sessions.Refresh(t.Context(), first.RefreshToken)
	accounttest.OK(t, err)
	if again.RefreshToken != lost.RefreshToken {
		t.Error("the lost answer is given again with another refresh token")
	}
	if want := 14*24*3600 - 60; again.RefreshExpiresIn != want || again.ExpiresIn != 900 {
		t.Errorf("expires in %d and %d s, want 900 and %d", again.ExpiresIn, again.RefreshExpiresIn, want)
	}
	if again.AccessToken == lost.AccessToken {
		t.Error("the access token is no fresh one")
	}

	// An access token of before the refresh says nothing about the answer.
	k.Viewer(t, first)
	_, err = k.Auth.Sessions.Refresh(t.Context(), first.RefreshToken)
	accounttest.OK(t, err)

	// The refresh token that came with it does.
	_, err = k.Auth.Sessions.Refresh(t.Context(), again.RefreshToken)
	accounttest.OK(t, err)
	_, err = k.Auth.Sessions.Refresh(t.Context(), first.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), again.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
}

// TestAccessTokensDiffer holds that no two access tokens are equal, of one second
// neither.
func TestAccessTokensDiffer(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	seen := map[string]bool{tokens.AccessToken: true}
	for range 8 {
		next, err := k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
		accounttest.OK(t, err)
		if seen[next.AccessToken] {
			t.Fatal("an access token was given twice")
		}
		seen[next.AccessToken], tokens = true, next
	}
}

// TestSessionEnds holds that a session ends 180 days after its sign-in, however
// often it is refreshed, and that no token promises more.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	for range 17 {
		k.Clock.Add(10 * day)
		next, err := k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
		accounttest.OK(t, err)
		tokens = next
	}
	if want := int(10 * day / time.Second); tokens.RefreshExpiresIn != want {
		t.Errorf("after 170 days the refresh token promises %d s, want %d", tokens.RefreshExpiresIn, want)
	}
	k.Clock.Add(10*day - time.Minute)
	tokens, err := k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
	accounttest.OK(t, err)
	if tokens.ExpiresIn != 60 || tokens.RefreshExpiresIn != 60 {
		t.Errorf("a minute before the end the tokens promise %d and %d s", tokens.ExpiresIn, tokens.RefreshExpiresIn)
	}
	k.Viewer(t, tokens)
	k.Clock.Add(time.Minute + token.Skew)
	_, err = k.Auth.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
	_, err = k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.TokenIsExpired)
}

// holder is somebody with tokens of the session: its owner, or a thief who once
// copied them.
type holder struct {
	name   string
	tokens auth.Tokens
}

// New tokens live as long as the pages say, however slow the machine is. The clock goes on
// while they are made.
func TestLifetimesAreFull(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t, func(cfg *auth.Config, _ *message.Config) {
		at, calls := cfg.Clock(), atomic.Int64{}
		cfg.Clock = func() time.Time { return at.Add(time.Duration(calls.Add(1)) * time.Millisecond) }
	})
	signedUp := k.SignUp(t, email, phone).Tokens
	refreshed, err := k.Auth.Sessions.Refresh(t.Context(), signedUp.RefreshToken)
	accounttest.OK(t, err)
	again, err := k.Auth.Sessions.Refresh(t.Context(), signedUp.RefreshToken)
	accounttest.OK(t, err)
	for name, got := range map[string]auth.Tokens{"sign-up": signedUp, "refresh": refreshed, "lost answer": again} {
		if got.ExpiresIn != 900 || got.RefreshExpiresIn != 1209600 {
			t.Errorf("%s: %d and %d seconds", name, got.ExpiresIn, got.RefreshExpiresIn)
		}
	}
}

// TestRefreshesLossesAndThefts draws orders of refreshes, lost answers, uses and a
// theft. An owner without a thief never loses the session. With one, whoever uses
// tokens of a refresh shuts the other one out of the next: after both have tried to
// refresh behind a use of the other's, the session has ended for both.
func TestRefreshesLossesAndThefts(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	k.SignUp(t, email, phone)
	rapid.Check(t, func(rt *rapid.T) {
		opened, err := k.Auth.SignIn(t.Context(), auth.SignInParams{Email: email, Password: password})
		if err != nil {
			rt.Fatal(err)
		}
		owner, thief := &holder{"owner", opened.Tokens}, &holder{"thief", auth.Tokens{}}
		uses := func(h *holder) error {
			_, err := k.Auth.Sessions.Authenticate(t.Context(), h.tokens.AccessToken)
			return err
		}
		// refresh keeps what was answered unless the answer is lost.
		refresh := func(h *holder, lost bool) error {
			next, err := k.Auth.Sessions.Refresh(t.Context(), h.tokens.RefreshToken)
			if err == nil && !lost {
				h.tokens = next
			}
			return err
		}
		stolen, ended := false, false
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			h := owner
			if stolen && rapid.Bool().Draw(rt, "by the thief") {
				h = thief
			}
			var err error
			switch step := rapid.SampledFrom([]string{"use", "refresh", "lose", "steal"}).Draw(rt, h.name); step {
			case "use":
				err = uses(h)
			case "refresh", "lose":
				err = refresh(h, step == "lose")
			case "steal":
				thief.tokens, stolen = owner.tokens, true
			}
			switch {
			case err != nil && !stolen:
				rt.Fatalf("the owner alone was refused: %v", err)
			case err != nil:
				ended = true
			case ended && h.tokens.AccessToken != "" && uses(h) == nil:
				rt.Fatalf("the %s goes on after the session has ended", h.name)
			}
		}
		if !stolen || ended {
			return
		}
		// Both try to go on: one refreshes and uses what came, then the other, then
		// the first again. At the end neither may.
		if refresh(thief, false) == nil && uses(thief) == nil &&
			refresh(owner, false) == nil && uses(owner) == nil && refresh(thief, false) == nil {
			rt.Fatal("thief and owner both go on")
		}
		if uses(thief) == nil && uses(owner) == nil && refresh(owner, false) == nil && refresh(thief, false) == nil {
			rt.Fatal("thief and owner both go on, later")
		}
	})
}

// TestRaceToRefresh is a phone whose threads refresh at once: all of them get the
// same refresh token, and the session goes on.
func TestRaceToRefresh(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	tokens := k.SignUp(t, email, phone).Tokens
	answers := make([]auth.Tokens, 16)
	errs := testutil.Concurrently(len(answers), func(i int) (err error) {
		answers[i], err = k.Auth.Sessions.Refresh(t.Context(), tokens.RefreshToken)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 16}, accounttest.CountByDetail(errs)); diff != "" {
		t.Fatal(diff)
	}
	for _, got := range answers {
		if got.RefreshToken != answers[0].RefreshToken {
			t.Error("two threads got different refresh tokens")
		}
		k.Viewer(t, got)
	}
	_, err := k.Auth.Sessions.Refresh(t.Context(), answers[0].RefreshToken)
	accounttest.OK(t, err)
}
