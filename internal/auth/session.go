package auth

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"luxbff/ent"
	"luxbff/ent/feedposition"
	"luxbff/ent/session"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// How long tokens are good (rule 1 of the contract).
const (
	accessLifetime  = 15 * time.Minute
	refreshLifetime = 14 * 24 * time.Hour
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
}

// Issue gives the account tokens of the style, in the transaction that made the
// account or changed its credentials.
func (s *Sessions) Issue(ctx context.Context, tx *store.Tx, u *ent.User, style TokenStyle) (SignedIn, error) {
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
// usual 15 minutes. Errors: UserIsNone, UserIsDeleted.
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
	now := s.now()
	opened, err := tx.Session.Create().
		SetRootUserID(rootUserID).
		SetRefreshHash(digest(nonce)).
		SetCreatedAt(now).
		SetRefreshedAt(now).
		SetExpiresAt(now.Add(refreshLifetime)).
		Save(ctx)
	if err != nil {
		return Tokens{}, fmt.Errorf("store a session: %w", err)
	}
	return s.signTokens(opened, nonce, accessTTL)
}

func (s *Sessions) signTokens(of *ent.Session, nonce string, accessTTL time.Duration) (Tokens, error) {
	now := s.now()
	access, err := s.keys.Sign(token.Claims{
		Use: token.Access, RootUserID: of.RootUserID, SessionID: of.ID,
		IssuedAt: now, ExpiresAt: now.Add(accessTTL),
	})
	if err != nil {
		return Tokens{}, err
	}
	refresh, err := s.keys.Sign(token.Claims{
		Use: token.Refresh, RootUserID: of.RootUserID, SessionID: of.ID, Nonce: nonce,
		IssuedAt: now, ExpiresAt: now.Add(refreshLifetime),
	})
	return Tokens{
		AccessToken: access, ExpiresIn: int(accessTTL / time.Second),
		RefreshToken: refresh, RefreshExpiresIn: int(refreshLifetime / time.Second),
		TokenType: "bearer", RootUserID: of.RootUserID,
	}, err
}

// Refresh trades a refresh token for two new tokens. One that was used before
// ends its session, because somebody else may have it. Errors: Unauthenticated,
// TokenIsExpired, RefreshTokenNotValid, UserIsDeleted.
func (s *Sessions) Refresh(ctx context.Context, refreshToken string) (tokens Tokens, err error) {
	claims, err := s.keys.Verify(refreshToken, s.now())
	switch {
	case errors.Is(err, token.ErrExpired) && claims.Use == token.Refresh:
		return Tokens{}, apperr.TokenIsExpired.New()
	case err != nil || claims.Use != token.Refresh:
		return Tokens{}, apperr.Unauthenticated.New()
	}
	var refused error
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		tokens, refused, err = s.rotate(ctx, tx, claims)
		return err
	})
	return tokens, cmp.Or(err, refused)
}

// rotate replaces the refresh token of a session. refused is returned apart from
// err where the call fails although tx must commit: the end of the session is
// written in it.
func (s *Sessions) rotate(
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
	// Only the newest refresh token of a session has the stored digest. The
	// comparison takes the same time wherever the two differ.
	if subtle.ConstantTimeCompare([]byte(current.RefreshHash), []byte(digest(claims.Nonce))) != 1 {
		return Tokens{}, apperr.RefreshTokenNotValid.New(), s.end(ctx, tx, current)
	}
	nonce, err := randomText(s.random)
	if err != nil {
		return Tokens{}, nil, err
	}
	now := s.now()
	err = tx.Session.UpdateOne(current).
		SetRefreshHash(digest(nonce)).
		SetRefreshedAt(now).
		SetExpiresAt(now.Add(refreshLifetime)).
		Exec(ctx)
	if err != nil {
		return Tokens{}, nil, fmt.Errorf("rotate a session: %w", err)
	}
	tokens, err = s.signTokens(current, nonce, accessLifetime)
	return tokens, nil, err
}

// SignOut ends the viewer's session: both its tokens stop at once, and the place
// where its installation's feed would resume is forgotten. A long-lived token
// belongs to no session and goes on until the credentials change.
func (s *Sessions) SignOut(ctx context.Context, v viewer.Viewer) error {
	if v.SessionID == 0 {
		return nil
	}
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := tx.Session.Query().
			Where(session.ID(v.SessionID), session.RootUserID(v.RootUserID()), session.EndedAtIsNil()).
			All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		_, err = tx.FeedPosition.Delete().
			Where(feedposition.RootUserID(v.RootUserID()), feedposition.SessionID(v.SessionID)).Exec(ctx)
		if err != nil {
			return fmt.Errorf("forget positions of the feed: %w", err)
		}
		return s.end(ctx, tx, found[0])
	})
}

func (s *Sessions) end(ctx context.Context, tx *store.Tx, ended *ent.Session) error {
	if err := tx.Session.UpdateOne(ended).SetEndedAt(s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	tx.AfterCommit(func() { s.onEnded(ended.RootUserID, []int{ended.ID}) })
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

// EndLongLived ends the account's long-lived token, for a change of credentials
// that leaves sessions alone.
func (s *Sessions) EndLongLived(ctx context.Context, tx *store.Tx, u *ent.User) (*ent.User, error) {
	changed, err := tx.User.UpdateOne(u).AddCredentialVersion(1).Save(ctx)
	if err != nil {
		return nil, fmt.Errorf("raise the credential version: %w", err)
	}
	tx.AfterCommit(func() { s.onEnded(u.ID, []int{0}) })
	return changed, nil
}
