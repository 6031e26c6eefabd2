package auth_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/testutil"
	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/testutil/domaintest"
	"luxbff/internal/testutil/storetest"
	"luxbff/internal/viewer"
)

// listed gives the open sessions of an account.
func listed(t testing.TB, k *accounttest.Kit, rootUserID int) []*ent.Session {
	t.Helper()
	all, err := k.Auth.Sessions.List(t.Context(), rootUserID)
	accounttest.OK(t, err)
	return all
}

// listedIDs gives their ids, newest use first.
func listedIDs(t testing.TB, k *accounttest.Kit, rootUserID int) []int {
	t.Helper()
	var ids []int
	for _, of := range listed(t, k, rootUserID) {
		ids = append(ids, of.ID)
	}
	return ids
}

// startSession opens a session of an account.
func startSession(t testing.TB, k *accounttest.Kit, rootUserID int) (auth.Tokens, viewer.Viewer) {
	t.Helper()
	tokens, err := k.Auth.Sessions.Start(t.Context(), rootUserID, 0)
	accounttest.OK(t, err)
	return tokens, k.Viewer(t, tokens)
}

func TestEndSession(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	mine := k.Parent(t)
	lostTokens, lost := startSession(t, k, mine.RootUserID())
	other := k.Viewer(t, k.RegisterLocal(t, "abcd1234").Tokens)
	_, others := startSession(t, k, other.RootUserID())
	k.TakeEnded()
	end := func(id int) error {
		return k.Auth.Sessions.EndSession(t.Context(), mine, auth.EndSessionParams{SessionID: id})
	}
	accounttest.WantKind(t, end(others.SessionID), apperr.NotAuthorizedUser)
	accounttest.WantKind(t, end(999), apperr.SessionNotFound)
	accounttest.WantKind(t, end(0), apperr.SessionNotFound)
	if ended := k.TakeEnded(); ended != nil {
		t.Errorf("refusals ended %v", ended)
	}
	accounttest.OK(t, end(lost.SessionID))
	if diff := cmp.Diff([]accounttest.Ended{{RootUserID: mine.RootUserID(), SessionIDs: []int{lost.SessionID}}}, k.TakeEnded()); diff != "" {
		t.Errorf("ended sessions (-want +got):\n%s", diff)
	}
	accounttest.WantKind(t, end(lost.SessionID), apperr.SessionNotFound)
	_, err := k.Auth.Sessions.Authenticate(t.Context(), lostTokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	_, err = k.Auth.Sessions.Refresh(t.Context(), lostTokens.RefreshToken)
	accounttest.WantKind(t, err, apperr.RefreshTokenNotValid)
	if diff := cmp.Diff([]int{mine.SessionID}, listedIDs(t, k, mine.RootUserID())); diff != "" {
		t.Errorf("open sessions (-want +got):\n%s", diff)
	}
	accounttest.OK(t, end(mine.SessionID))
	if left := listedIDs(t, k, mine.RootUserID()); left != nil {
		t.Errorf("after the own one: %v", left)
	}
}

// TestAtMost64Sessions: a sign-in beyond them ends the session that was not used for the
// longest time, even where it isn't the one that was opened first.
func TestAtMost64Sessions(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	tokens := make([]auth.Tokens, auth.MaxSessions)
	ids := make([]int, auth.MaxSessions)
	for i := range tokens {
		var v viewer.Viewer
		tokens[i], v = startSession(t, k, rootUserID)
		ids[i] = v.SessionID
		k.Clock.Add(time.Second)
	}
	k.Clock.Add(time.Minute)
	k.Viewer(t, tokens[0]) // seen by this replica
	accounttest.OK(t, k.Auth.Sessions.StoreUses(t.Context()))
	_, err := k.Auth.Sessions.Refresh(t.Context(), tokens[1].RefreshToken)
	accounttest.OK(t, err)
	k.Viewer(t, tokens[2]) // not stored yet
	k.TakeEnded()
	for i := range 3 {
		_, v := startSession(t, k, rootUserID)
		if diff := cmp.Diff([]accounttest.Ended{{RootUserID: rootUserID, SessionIDs: ids[3+i : 4+i]}}, k.TakeEnded()); diff != "" {
			t.Errorf("ended for one more (-want +got):\n%s", diff)
		}
		left := listedIDs(t, k, rootUserID)
		if len(left) != auth.MaxSessions || left[0] != v.SessionID {
			t.Errorf("%d sessions, the newest is %d, want %d", len(left), left[0], v.SessionID)
		}
		_, err := k.Auth.Sessions.Authenticate(t.Context(), tokens[3+i].AccessToken)
		accounttest.WantKind(t, err, apperr.Unauthenticated)
	}
}

// TestRaceForTheLastSession: sign-ins at once don't all find room.
func TestRaceForTheLastSession(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	for range auth.MaxSessions - 1 {
		startSession(t, k, rootUserID)
	}
	errs := testutil.Concurrently(8, func(int) error {
		_, err := k.Auth.Sessions.Start(t.Context(), rootUserID, 0)
		return err
	})
	if diff := cmp.Diff(map[string]int{"": 8}, accounttest.CountByDetail(errs)); diff != "" {
		t.Fatal(diff)
	}
	open := 0
	for _, of := range k.Store.Read().Session.Query().AllX(t.Context()) {
		if of.EndedAt == nil {
			open++
		}
	}
	if open != auth.MaxSessions {
		t.Errorf("%d open sessions", open)
	}
}

// TestLastUse: a request takes one statement, whenever the session was used before, and
// a minute of requests is one write.
func TestLastUse(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	opened := k.Clock.Now()
	tokens, v := startSession(t, k, rootUserID)
	lastUse := func() (shown, stored time.Time) {
		row, err := k.Store.Read().Session.Get(t.Context(), v.SessionID)
		accounttest.OK(t, err)
		return *listed(t, k, rootUserID)[0].LastUsedAt, *row.LastUsedAt
	}
	use := func() {
		t.Helper()
		ctx, counter := store.CountStatements(t.Context())
		if _, err := k.Auth.Sessions.Authenticate(ctx, tokens.AccessToken); err != nil || counter.N() != 1 {
			t.Errorf("%d statements, %v", counter.N(), err)
		}
	}
	flush := func(want int) {
		t.Helper()
		ctx, counter := store.CountStatements(t.Context())
		if err := k.Auth.Sessions.StoreUses(ctx); err != nil || counter.N() != want {
			t.Errorf("%d statements to store uses, want %d; %v", counter.N(), want, err)
		}
	}
	expect := func(what string, wantShown, wantStored time.Time) {
		t.Helper()
		if shown, stored := lastUse(); !shown.Equal(wantShown) || !stored.Equal(wantStored) {
			t.Errorf("%s: shown %v, stored %v", what, shown, stored)
		}
	}
	k.Clock.Add(59 * time.Second)
	use()
	flush(0)
	expect("within a minute", opened, opened)
	k.Clock.Add(time.Second)
	use()
	expect("noted", opened.Add(time.Minute), opened)
	flush(1)
	expect("stored", opened.Add(time.Minute), opened.Add(time.Minute))
	k.Clock.Add(30 * time.Second)
	use()
	flush(0)
	// An open connection is a use, though nothing is sent on it.
	k.Clock.Add(time.Minute)
	_, err := k.Auth.Sessions.FindEnded(t.Context(), []auth.SessionKey{auth.SessionKeyOf(v)})
	accounttest.OK(t, err)
	expect("connected", k.Clock.Now(), opened.Add(time.Minute))
	k.Auth.Start(t.Context())
	k.Auth.Close()
	expect("after the program's end", k.Clock.Now(), k.Clock.Now())
	// A replica of before there was the column writes its refresh alone.
	k.Write(t, func(ctx context.Context, tx *store.Tx) error {
		return tx.Session.UpdateOneID(v.SessionID).ClearLastUsedAt().SetRefreshedAt(opened.Add(time.Hour)).Exec(ctx)
	})
	if shown := *listed(t, k, rootUserID)[0].LastUsedAt; !shown.Equal(opened.Add(time.Hour)) {
		t.Errorf("after an old replica's refresh: %v", shown)
	}
}

// TestClientOfASession holds how an app is named to the owner of its session.
func TestClientOfASession(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	long := strings.Repeat("럭", 65)
	for name, tc := range map[string]struct {
		said          viewer.Client
		name, version string // "-" for null
	}{
		"by its headers":           {viewer.Client{AppName: "lux-ios", AppVersion: "4.2.0", UserAgent: "a/1"}, "lux-ios", "4.2.0"},
		"without a version":        {viewer.Client{AppName: "lux-ios", UserAgent: "a/1"}, "lux-ios", "-"},
		"by the first product":     {viewer.Client{UserAgent: "LUX/3.1 (iPhone; iOS 19.0) CFNetwork/1.0"}, "LUX", "3.1"},
		"a product alone":          {viewer.Client{UserAgent: "curl"}, "curl", "-"},
		"a browser":                {viewer.Client{UserAgent: "Mozilla/5.0 (X11) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/140.0"}, "Edg", "140.0"},
		"a browser nobody knows":   {viewer.Client{UserAgent: "Mozilla/5.0 (compatible)"}, "Mozilla", "5.0"},
		"nothing":                  {viewer.Client{}, "-", "-"},
		"only spaces":              {viewer.Client{AppName: "  ", UserAgent: " "}, "-", "-"},
		"with controls":            {viewer.Client{AppName: "a\x00b", UserAgent: "c/\x1b[2J"}, "c", "-"},
		"half a character":         {viewer.Client{AppName: "a\xff"}, "-", "-"},
		"in another script":        {viewer.Client{AppName: " 럭스 ", AppVersion: " 1 "}, "럭스", "1"},
		"longer than what is kept": {viewer.Client{AppName: long, AppVersion: long}, long[:64*3], long[:32*3]},
	} {
		tokens, err := k.Auth.Sessions.Start(viewer.WithClient(t.Context(), tc.said), rootUserID, 0)
		accounttest.OK(t, err)
		row, err := k.Store.Read().Session.Get(t.Context(), k.Viewer(t, tokens).SessionID)
		accounttest.OK(t, err)
		if got := orDash(row.ClientName) + " " + orDash(row.ClientVersion); got != tc.name+" "+tc.version {
			t.Errorf("%s: %s, want %s %s", name, got, tc.name, tc.version)
		}
	}
}

func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}

// TestRefreshFollowsAnUpdateOfTheApp: the version is that of the app's last refresh, and
// a library that refreshes for it doesn't rename it.
func TestRefreshFollowsAnUpdateOfTheApp(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	by := func(name, version string) context.Context {
		return viewer.WithClient(t.Context(), viewer.Client{AppName: name, AppVersion: version})
	}
	tokens, err := k.Auth.Sessions.Start(by("lux", "1"), rootUserID, 0)
	accounttest.OK(t, err)
	for _, step := range []struct{ name, version, want string }{{"lux", "2", "lux 2"}, {"okhttp", "4", "lux 2"}, {"lux", "", "lux 2"}, {"", "", "lux 2"}} {
		tokens, err = k.Auth.Sessions.Refresh(by(step.name, step.version), tokens.RefreshToken)
		accounttest.OK(t, err)
		of := listed(t, k, rootUserID)[0]
		if got := orDash(of.ClientName) + " " + orDash(of.ClientVersion); got != step.want {
			t.Errorf("after a refresh by %s %s: %s", step.name, step.version, got)
		}
	}
}

// held is a session and the tokens that its app has.
type held struct {
	id     int
	tokens auth.Tokens
}

// works tries both tokens. An access token that is old is replaced, as an app does.
func (h *held) works(t testing.TB, k *accounttest.Kit) bool {
	t.Helper()
	if _, err := k.Auth.Sessions.Authenticate(t.Context(), h.tokens.AccessToken); err == nil {
		return true
	}
	fresh, err := k.Auth.Sessions.Refresh(t.Context(), h.tokens.RefreshToken)
	if err == nil {
		h.tokens = fresh
	}
	return err == nil
}

// TestTheListIsWhatWorks draws orders of what happens to sessions: the list is exactly
// those whose tokens work, and the long-lived token goes by the rules of its own.
func TestTheListIsWhatWorks(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	accounts := 0
	rapid.Check(t, func(rt *rapid.T) {
		accounts++
		registered := k.RegisterLocal(t, fmt.Sprintf("account%d", accounts))
		rootUserID, long, longWorks := registered.User.ID, registered.Tokens, true
		var all []*held
		check := func() {
			shown := listedIDs(t, k, rootUserID)
			var working []int
			for _, h := range all {
				if h.works(t, k) {
					working = append(working, h.id)
				}
			}
			slices.Sort(shown)
			slices.Sort(working)
			if diff := cmp.Diff(working, shown); diff != "" {
				rt.Fatalf("the list (-working +shown):\n%s", diff)
			}
			if _, err := k.Auth.Sessions.Authenticate(t.Context(), long.AccessToken); (err == nil) != longWorks {
				rt.Fatalf("the long-lived token: %v, want good: %v", err, longWorks)
			}
		}
		// pick gives a viewer of a session whose access token is good.
		pick := func() (v viewer.Viewer, found bool) {
			if len(all) == 0 {
				return v, false
			}
			h := all[rapid.IntRange(0, len(all)-1).Draw(rt, "session")]
			v, err := k.Auth.Sessions.Authenticate(t.Context(), h.tokens.AccessToken)
			return v, err == nil
		}
		rt.Repeat(map[string]func(*rapid.T){
			"sign in": func(*rapid.T) {
				tokens, v := startSession(t, k, rootUserID)
				all = append(all, &held{v.SessionID, tokens})
			},
			"use": func(*rapid.T) { pick() },
			"refresh": func(*rapid.T) {
				if len(all) == 0 {
					return
				}
				h := all[rapid.IntRange(0, len(all)-1).Draw(rt, "session")]
				if fresh, err := k.Auth.Sessions.Refresh(t.Context(), h.tokens.RefreshToken); err == nil {
					h.tokens = fresh
				}
			},
			"end": func(*rapid.T) {
				if v, found := pick(); found {
					ended := all[rapid.IntRange(0, len(all)-1).Draw(rt, "ended")].id
					err := k.Auth.Sessions.EndSession(t.Context(), v, auth.EndSessionParams{SessionID: ended})
					if err != nil && !apperr.Is(err, apperr.SessionNotFound) {
						rt.Fatal(err)
					}
				}
			},
			"sign out": func(*rapid.T) {
				if v, found := pick(); found {
					accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
				}
			},
			"sign out of the long-lived token": func(*rapid.T) {
				if v, err := k.Auth.Sessions.Authenticate(t.Context(), long.AccessToken); err == nil {
					accounttest.OK(t, k.Auth.Sessions.SignOut(t.Context(), v))
					longWorks = false
				}
			},
			"sign out everywhere": func(*rapid.T) {
				if v, found := pick(); found {
					accounttest.OK(t, k.Auth.Sessions.SignOutEverywhere(t.Context(), v))
					longWorks = false
				}
			},
			"time passes": func(*rapid.T) {
				seconds := rapid.SampledFrom([]int{1, 29, 30, 31, 60, 899, 900, 930, 86400, 14*86400 - 1, 14 * 86400, 14*86400 + 29, 14*86400 + 30}).Draw(rt, "seconds")
				k.Clock.Add(time.Duration(seconds) * time.Second)
			},
			"prune": func(*rapid.T) { accounttest.OK(t, k.Auth.Prune(t.Context())) },
			"":      func(*rapid.T) { check() },
		})
	})
}

// TestASessionEndsForItsTokensAndTheList: no token outlives SESSION_DAYS, an operator's of
// a year neither, and a shorter setting holds for what is open.
func TestASessionEndsForItsTokensAndTheList(t *testing.T) {
	t.Parallel()
	k := accounttest.New(t)
	rootUserID := k.RegisterLocal(t, "abcd1234").User.ID
	tokens, err := k.Auth.Sessions.Start(t.Context(), rootUserID, 365*24*time.Hour)
	accounttest.OK(t, err)
	if want := 14 * 24 * 3600; tokens.ExpiresIn != want {
		t.Errorf("the access token promises %d s, want %d: its row goes then", tokens.ExpiresIn, want)
	}
	shortened, err := auth.New(auth.Config{
		Store: k.Store, Outbox: k.Outbox, Keys: k.Keys, Clock: k.Clock.Now, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler), SessionLifetime: 24 * time.Hour,
	})
	accounttest.OK(t, err)
	k.Clock.Add(24*time.Hour + token.Skew - time.Second)
	_, err = shortened.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.OK(t, err)
	k.Clock.Add(time.Second)
	_, err = shortened.Sessions.Authenticate(t.Context(), tokens.AccessToken)
	accounttest.WantKind(t, err, apperr.Unauthenticated)
	if open, err := shortened.Sessions.List(t.Context(), rootUserID); err != nil || len(open) != 0 {
		t.Errorf("%v, %v", open, err)
	}
}

// TestSessionsAreFoundByAnIndex holds the plans of what each sign-in, each list and each
// look for ended sessions ask: ended sessions stay for two weeks and must cost nothing.
func TestSessionsAreFoundByAnIndex(t *testing.T) {
	t.Parallel()
	db, statements := storetest.OpenRecording(t, "sessions")
	home := domaintest.New(db).Home(t)
	sessions, err := auth.New(auth.Config{
		Store: db, Keys: token.DevelopmentKeys(), Clock: home.Clock.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	accounttest.OK(t, err)
	_, err = sessions.Sessions.List(t.Context(), 1)
	accounttest.OK(t, err)
	_, err = sessions.Sessions.FindEnded(t.Context(), []auth.SessionKey{{RootUserID: 1, SessionID: 1}})
	accounttest.OK(t, err)
	if len(*statements) != 2 {
		t.Fatalf("statements: %q", *statements)
	}
	at := home.Clock.Now()
	for i, args := range [][]any{{1, at, at}, {"[1]"}} {
		if plan := storetest.Explain(t, db, (*statements)[i], args...); !strings.Contains(plan, "session_root_user_id") {
			t.Errorf("the plan of\n%s\nis\n%s", (*statements)[i], plan)
		}
	}
}
