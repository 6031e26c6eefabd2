package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/feedposition"
	"luxbff/ent/predicate"
	"luxbff/ent/session"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/push"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// How long tokens are good (rule 1 of the contract).
const (
	accessLifetime  = 15 * time.Minute
	refreshLifetime = 14 * 24 * time.Hour
	// defaultSessionLifetime bounds what a stolen refresh token is worth to whoever
	// keeps it alive.
	defaultSessionLifetime = 180 * 24 * time.Hour
)

// Tokens are what a sign-in gives. ExpiresIn and RefreshExpiresIn are seconds.
// A long-lived token is the AccessToken alone: it does not expire and has no
// RefreshToken.
type Tokens struct {
	AccessToken      string
	ExpiresIn        int
	RefreshToken     string
	RefreshExpiresIn int
	TokenType        string
	// RootUserID is the id of the account, which REST shows beside the tokens.
	RootUserID int
}

// SignedIn is an account and the tokens that open it.
type SignedIn struct {
	User   *ent.User
	Tokens Tokens
}

// TokenStyle says which tokens the clients of a surface expect.
type TokenStyle int

const (
	// SessionTokens are a short access token and a refresh token that is replaced
	// each time it is used.
	SessionTokens TokenStyle = iota
	// LongLivedToken is the one that SNUTT's apps keep: signing in again gives the
	// same text until the credentials change (snutt.md).
	LongLivedToken
)

// Sessions opens, renews and ends sessions, and says whose token one is.
//
// A session is one sign-in and every token that came of it. A long-lived token
// belongs to no session: it holds the credential version of the account, and
// stops when that rises.
type Sessions struct {
	store   *store.Store
	keys    *token.Keys
	now     func() time.Time
	random  io.Reader
	onEnded func(rootUserID int, sessionIDs []int)
	// lifetime is how long after its sign-in a session ends, however often it is
	// refreshed.
	lifetime time.Duration
	uses     uses
	// digest makes those of installations.
	digest keyedDigest
	push   *push.Service
}

// Issue gives the account tokens of the style, in the transaction that made the account or
// found that it may sign in. Its devices are pushed a message where the sign-in comes from a
// place that the account does not know.
func (s *Sessions) Issue(ctx context.Context, tx *store.Tx, u *ent.User, style TokenStyle) (SignedIn, error) {
	if err := s.noteInstallation(ctx, tx, u); err != nil {
		return SignedIn{}, err
	}
	return s.Replace(ctx, tx, u, style)
}

// Replace gives the account tokens of the style in place of those that the transaction has
// ended, as it changed the credentials: the app that did so was signed in already.
func (s *Sessions) Replace(ctx context.Context, tx *store.Tx, u *ent.User, style TokenStyle) (SignedIn, error) {
	if style == LongLivedToken {
		long, err := s.longLivedToken(u)
		return SignedIn{User: u, Tokens: long}, err
	}
	tokens, err := s.open(ctx, tx, u.ID, accessLifetime)
	return SignedIn{User: u, Tokens: tokens}, err
}

// longLivedToken depends on nothing but the account and its credential version,
// and Ed25519 signatures are deterministic: so the text is the same each time.
func (s *Sessions) longLivedToken(u *ent.User) (Tokens, error) {
	text, err := s.keys.Sign(token.Claims{
		Use: token.Long, RootUserID: u.ID, CredentialVersion: u.CredentialVersion, IssuedAt: u.CreatedAt,
	})
	return Tokens{AccessToken: text, TokenType: "bearer", RootUserID: u.ID}, err
}

// Start opens a session for an account without asking for credentials: for the
// demo family, and for the operator's `token` command. accessTTL of 0 means the
// usual 15 minutes; more than the two weeks of the session's row are cut to them. Errors:
// UserIsNone, UserIsDeleted.
func (s *Sessions) Start(ctx context.Context, rootUserID int, accessTTL time.Duration) (tokens Tokens, err error) {
	if accessTTL == 0 {
		accessTTL = accessLifetime
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := LockUser(ctx, tx, rootUserID); err != nil {
			return err
		}
		tokens, err = s.open(ctx, tx, rootUserID, accessTTL)
		return err
	})
	return tokens, err
}

// open stores a session. Of its refresh token only the digest of the nonce is
// stored, so a stolen database opens no account.
func (s *Sessions) open(ctx context.Context, tx *store.Tx, rootUserID int, accessTTL time.Duration) (Tokens, error) {
	nonce, err := randomText(s.random)
	if err != nil {
		return Tokens{}, err
	}
	if err := s.makeRoom(ctx, tx, rootUserID); err != nil {
		return Tokens{}, err
	}
	now := s.now()
	clientName, clientVersion := clientApp(ctx)
	opened, err := tx.Session.Create().
		SetRootUserID(rootUserID).
		SetRefreshHash(digest(nonce)).
		SetCreatedAt(now).
		SetRefreshedAt(now).
		SetExpiresAt(s.refreshEnd(now, now)).
		SetLastUsedAt(now).
		SetNillableClientName(clientName).
		SetNillableClientVersion(clientVersion).
		Save(ctx)
	if err != nil {
		return Tokens{}, fmt.Errorf("store a session: %w", err)
	}
	return s.signTokens(opened, nonce, accessTTL, now)
}

// refreshEnd is when a refresh token ends that is made now: after two weeks, or
// together with its session.
func (s *Sessions) refreshEnd(opened, now time.Time) time.Time {
	end, last := now.Add(refreshLifetime), opened.Add(s.lifetime)
	if last.Before(end) {
		return last
	}
	return end
}

// signTokens makes the tokens of a session as it is stored. The refresh token
// depends on nothing but the row and the nonce, so that it can be made again for a
// client that lost it; the access token is a new one each time. now is the moment of the
// whole call: the lifetimes of new tokens are full, whatever it took so far.
func (s *Sessions) signTokens(
	of *ent.Session, nonce string, accessTTL time.Duration, now time.Time,
) (Tokens, error) {
	accessNonce, err := randomText(s.random)
	if err != nil {
		return Tokens{}, err
	}
	accessEnd := now.Add(accessTTL)
	// The row goes with its refresh token, and with it every access token.
	for _, last := range []time.Time{of.CreatedAt.Add(s.lifetime), of.ExpiresAt} {
		if last.Before(accessEnd) {
			accessEnd = last
		}
	}
	access, err := s.keys.Sign(token.Claims{
		Use: token.Access, RootUserID: of.RootUserID, SessionID: of.ID, Rotation: of.Rotation, Nonce: accessNonce,
		IssuedAt: now, ExpiresAt: accessEnd,
	})
	if err != nil {
		return Tokens{}, err
	}
	refresh, err := s.keys.Sign(token.Claims{
		Use: token.Refresh, RootUserID: of.RootUserID, SessionID: of.ID, Nonce: nonce,
		IssuedAt: of.RefreshedAt, ExpiresAt: of.ExpiresAt,
	})
	return Tokens{
		AccessToken: access, ExpiresIn: int(accessEnd.Sub(now) / time.Second),
		RefreshToken: refresh, RefreshExpiresIn: int(of.ExpiresAt.Sub(now).Round(time.Second) / time.Second),
		TokenType: "bearer", RootUserID: of.RootUserID,
	}, err
}

// refreshTokenField is the path of the one input of a refresh: whatever is wrong, even
// that the account is deleted, concerns the token that names it.
const refreshTokenField = "input.refreshToken"

// Refresh trades a refresh token for two new tokens. The token that was traded last
// gives the same successor again for as long as nothing that came with it was used:
// its client has lost the answer, or two of its threads refreshed at once. Any other
// token that was used before ends its session, because somebody else may have it
// (api/README.md, rule 1). Errors: Unauthenticated, TokenIsExpired,
// RefreshTokenNotValid, UserIsDeleted.
func (s *Sessions) Refresh(ctx context.Context, refreshToken string) (tokens Tokens, err error) {
	claims, err := s.keys.Verify(refreshToken, s.now())
	switch {
	case errors.Is(err, token.ErrExpired) && claims.Use == token.Refresh:
		return Tokens{}, apperr.TokenIsExpired.WithField(refreshTokenField)
	case err != nil || claims.Use != token.Refresh:
		return Tokens{}, apperr.Unauthenticated.WithField(refreshTokenField)
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tokens, refused, err = s.refresh(ctx, tx, claims)
		return err
	})
	return tokens, apperr.AtField(cmp.Or(err, refused), refreshTokenField)
}

// refresh returns refused apart from err where the call fails although tx must
// commit: the end of the session is written in it.
func (s *Sessions) refresh(
	ctx context.Context, tx *store.Tx, claims token.Claims,
) (tokens Tokens, refused, err error) {
	if _, err := LockUser(ctx, tx, claims.RootUserID); err != nil {
		return Tokens{}, nil, err
	}
	current, err := tx.Session.Get(ctx, claims.SessionID)
	if ent.IsNotFound(err) || err == nil && (current.EndedAt != nil || current.RootUserID != claims.RootUserID) {
		return Tokens{}, nil, apperr.RefreshTokenNotValid.New()
	}
	if err != nil {
		return Tokens{}, nil, fmt.Errorf("read a session: %w", err)
	}
	now := s.now()
	// SESSION_DAYS may have been shortened since the token was signed.
	if !now.Before(current.CreatedAt.Add(s.lifetime)) {
		return Tokens{}, apperr.RefreshTokenNotValid.New(), s.end(ctx, tx, current.RootUserID, current)
	}
	switch given := digest(claims.Nonce); {
	case sameDigest(given, current.RefreshHash):
		if current, err = s.rotate(ctx, tx, current, claims.Nonce, now); err != nil {
			return Tokens{}, nil, err
		}
	case sameDigest(given, current.PreviousHash) && !current.IsRotationUsed &&
		sameDigest(digest(successor(claims.Nonce, current.RotationSalt)), current.RefreshHash):
		// The answer was lost: it is given again below.
	default:
		return Tokens{}, apperr.RefreshTokenNotValid.New(), s.end(ctx, tx, current.RootUserID, current)
	}
	tokens, err = s.signTokens(current, successor(claims.Nonce, current.RotationSalt), accessLifetime, now)
	return tokens, nil, err
}

// sameDigest compares in a time that does not depend on where the two differ.
func sameDigest(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// rotate replaces the refresh token of a session, the one with the nonce.
func (s *Sessions) rotate(
	ctx context.Context, tx *store.Tx, current *ent.Session, nonce string, now time.Time,
) (*ent.Session, error) {
	salt, err := randomText(s.random)
	if err != nil {
		return nil, err
	}
	update := tx.Session.UpdateOne(current)
	// The app may have been updated. Another name is that of a library that refreshes for
	// it, under the name of which its owner would not know it.
	if name, version := clientApp(ctx); equalText(name, current.ClientName) && version != nil {
		update.SetClientVersion(*version)
	}
	rotated, err := update.
		SetRefreshHash(digest(successor(nonce, salt))).
		SetPreviousHash(digest(nonce)).
		SetRotationSalt(salt).
		SetRotation(current.Rotation + 1).
		SetIsRotationUsed(false).
		SetRefreshedAt(now).
		SetExpiresAt(s.refreshEnd(current.CreatedAt, now)).
		SetLastUsedAt(now).
		Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("rotate a session: %w", err)
	}
	return rotated, nil
}

// markRotationUsed records that the client has the answer of its last refresh: from
// now on the refresh token before it ends the session. It is one write for each
// refresh, with the first access token of it.
func (s *Sessions) markRotationUsed(ctx context.Context, claims token.Claims) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		err := tx.Session.Update().
			Where(session.ID(claims.SessionID), session.Rotation(claims.Rotation)).
			SetIsRotationUsed(true).
			Exec(ctx)
		if err != nil {
			return fmt.Errorf("mark a refresh as used: %w", err)
		}
		return nil
	})
}

// SignOut ends the viewer's session, or the long-lived token that it signed in with: the
// tokens stop at once, and the places where their installations' feeds would resume are
// forgotten. SNUTT's own logout is another thing and keeps the token (snutt.md).
func (s *Sessions) SignOut(ctx context.Context, v viewer.Viewer) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if v.SessionID == 0 {
			return s.signOutLongLived(ctx, tx, v)
		}
		found, err := tx.Session.Query().
			Where(session.ID(v.SessionID), session.RootUserID(v.RootUserID()), session.EndedAtIsNil()).
			All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		return s.signOut(ctx, tx, found[0])
	})
}

// signOutLongLived leaves the account alone where its credentials have changed since the
// viewer was read: the token has stopped already, and another may have taken its place.
func (s *Sessions) signOutLongLived(ctx context.Context, tx *store.Tx, v viewer.Viewer) error {
	u, err := LockUser(ctx, tx, v.RootUserID())
	if err != nil || u.CredentialVersion != v.User.CredentialVersion {
		return err
	}
	if err := forgetPositions(ctx, tx, u.ID, feedposition.SessionIDIsNil()); err != nil {
		return err
	}
	_, err = s.EndLongLived(ctx, tx, u)
	return err
}

// forgetPositions removes the places where feeds of the account would resume.
func forgetPositions(ctx context.Context, tx *store.Tx, rootUserID int, which ...predicate.FeedPosition) error {
	_, err := tx.FeedPosition.Delete().Where(feedposition.RootUserID(rootUserID)).Where(which...).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget positions of the feed: %w", err)
	}
	return nil
}

// end ends sessions of one account.
func (s *Sessions) end(ctx context.Context, tx *store.Tx, rootUserID int, ended ...*ent.Session) error {
	ids := make([]int, len(ended))
	for i, of := range ended {
		ids[i] = of.ID
	}
	for some := range slices.Chunk(ids, useBatch) {
		if err := tx.Session.Update().Where(session.IDIn(some...)).SetEndedAt(s.now()).Exec(ctx); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
	tx.AfterCommit(func() { s.onEnded(rootUserID, ids) })
	return nil
}

// EndAll ends each session of the account. The caller must raise the account's
// credential version in the same transaction, which ends the long-lived token;
// it does so in the update that it makes of the row anyway.
func (s *Sessions) EndAll(ctx context.Context, tx *store.Tx, rootUserID int) error {
	err := tx.Session.Update().
		Where(session.RootUserID(rootUserID), session.EndedAtIsNil()).
		SetEndedAt(s.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	tx.AfterCommit(func() { s.onEnded(rootUserID, nil) })
	return nil
}

// EndLongLived ends the account's long-lived token and leaves sessions alone.
func (s *Sessions) EndLongLived(ctx context.Context, tx *store.Tx, u *ent.User) (*ent.User, error) {
	changed, err := tx.User.UpdateOne(u).AddCredentialVersion(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("raise the credential version: %w", err)
	}
	tx.AfterCommit(func() { s.onEnded(u.ID, []int{0}) })
	return changed, nil
}
