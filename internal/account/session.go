package account

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/feedposition"
	"luxbff/ent/session"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// How long tokens are good (contract, rule 1).
const (
	accessFor  = 15 * time.Minute
	refreshFor = 14 * 24 * time.Hour
)

// Tokens are what a sign-in gives. ExpiresIn and RefreshExpiresIn are seconds.
// A long-lived token is the AccessToken alone: it has no end and no RefreshToken.
type Tokens struct {
	AccessToken      string
	ExpiresIn        int
	RefreshToken     string
	RefreshExpiresIn int
	TokenType        string
	// RootUserID is the account's, which REST gives beside the tokens.
	RootUserID int
}

// SignedIn is an account and the tokens that open it.
type SignedIn struct {
	User   *ent.User
	Tokens Tokens
}

// TokenStyle says which tokens a surface speaks.
type TokenStyle int

const (
	// SessionTokens are a short access token and a refresh token that rotates.
	SessionTokens TokenStyle = iota
	// LongLivedToken is SNUTT's: the same text until the credentials change.
	LongLivedToken
)

// issue gives the account tokens of the style, for what tx is about to commit.
func (s *Service) issue(ctx context.Context, tx *store.Tx, u *ent.User, style TokenStyle) (SignedIn, error) {
	if style == LongLivedToken {
		long, err := s.longToken(u)
		return SignedIn{User: u, Tokens: long}, err
	}
	tokens, err := s.startSession(ctx, tx, u.ID, accessFor)
	return SignedIn{User: u, Tokens: tokens}, err
}

// longToken depends on nothing but the account and its credentials, so that
// signing in again gives the same one.
func (s *Service) longToken(u *ent.User) (Tokens, error) {
	text, err := s.cfg.Keys.Sign(token.Claims{
		Use: token.Long, RootUserID: u.ID, CredentialVersion: u.CredentialVersion, IssuedAt: u.CreatedAt,
	})
	return Tokens{AccessToken: text, TokenType: "bearer", RootUserID: u.ID}, err
}

func (s *Service) startSession(
	ctx context.Context, tx *store.Tx, rootUserID int, accessTTL time.Duration,
) (Tokens, error) {
	nonce, err := s.secret()
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	created, err := tx.Session.Create().
		SetRootUserID(rootUserID).
		SetRefreshHash(plainDigest(nonce)).
		SetCreatedAt(now).
		SetRefreshedAt(now).
		SetExpiresAt(now.Add(refreshFor)).
		Save(ctx)
	if err != nil {
		return Tokens{}, fmt.Errorf("store a session: %w", err)
	}
	return s.sessionTokens(created, nonce, accessTTL)
}

func (s *Service) sessionTokens(of *ent.Session, nonce string, accessTTL time.Duration) (Tokens, error) {
	now := s.now()
	access, err := s.cfg.Keys.Sign(token.Claims{
		Use: token.Access, RootUserID: of.RootUserID, SessionID: of.ID,
		IssuedAt: now, ExpiresAt: now.Add(accessTTL),
	})
	if err != nil {
		return Tokens{}, err
	}
	refresh, err := s.cfg.Keys.Sign(token.Claims{
		Use: token.Refresh, RootUserID: of.RootUserID, SessionID: of.ID, Nonce: nonce,
		IssuedAt: now, ExpiresAt: now.Add(refreshFor),
	})
	return Tokens{
		AccessToken: access, ExpiresIn: int(accessTTL / time.Second),
		RefreshToken: refresh, RefreshExpiresIn: int(refreshFor / time.Second),
		TokenType: "bearer", RootUserID: of.RootUserID,
	}, err
}

// StartSession opens a session for an account without asking for credentials:
// for the demo family and the operator's `token` command. accessTTL of 0 means
// the usual 15 minutes. Errors: UserIsNone, UserIsDeleted.
func (s *Service) StartSession(ctx context.Context, rootUserID int, accessTTL time.Duration) (tokens Tokens, err error) {
	if accessTTL == 0 {
		accessTTL = accessFor
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if _, err := s.lockUser(ctx, tx, rootUserID); err != nil {
			return err
		}
		tokens, err = s.startSession(ctx, tx, rootUserID, accessTTL)
		return err
	})
	return tokens, err
}

// lockUser reads the account for a change; on PostgreSQL nobody else changes it
// until tx ends. Errors: UserIsNone, UserIsDeleted.
func (s *Service) lockUser(ctx context.Context, tx *store.Tx, rootUserID int) (*ent.User, error) {
	if err := tx.Lock(ctx, user.Table, rootUserID); err != nil {
		return nil, fmt.Errorf("lock an account: %w", err)
	}
	u, err := tx.User.Get(ctx, rootUserID)
	switch {
	case ent.IsNotFound(err):
		return nil, apperr.UserIsNone.New()
	case err != nil:
		return nil, fmt.Errorf("read an account: %w", err)
	case u.DeletedAt != nil:
		return nil, apperr.UserIsDeleted.New()
	}
	return u, nil
}

// RefreshTokenParams is the refresh token that came last.
type RefreshTokenParams struct{ RefreshToken string }

// RefreshToken trades a refresh token for two new tokens. One that was used
// before ends its session, as somebody else may have it. Errors:
// Unauthenticated, TokenIsExpired, RefreshTokenNotValid, UserIsDeleted.
func (s *Service) RefreshToken(ctx context.Context, p RefreshTokenParams) (tokens Tokens, err error) {
	claims, err := s.cfg.Keys.Verify(p.RefreshToken, s.now())
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

// rotate gives refused, to be told after the commit, where the call fails but
// has ended the session.
func (s *Service) rotate(
	ctx context.Context, tx *store.Tx, claims token.Claims,
) (tokens Tokens, refused, err error) {
	if _, err := s.lockUser(ctx, tx, claims.RootUserID); err != nil {
		return Tokens{}, nil, err
	}
	current, err := tx.Session.Get(ctx, claims.SessionID)
	if ent.IsNotFound(err) || err == nil && (current.EndedAt != nil || current.RootUserID != claims.RootUserID) {
		return Tokens{}, nil, apperr.RefreshTokenNotValid.New()
	}
	if err != nil {
		return Tokens{}, nil, fmt.Errorf("read a session: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(current.RefreshHash), []byte(plainDigest(claims.Nonce))) != 1 {
		return Tokens{}, apperr.RefreshTokenNotValid.New(), s.endSession(ctx, tx, current)
	}
	nonce, err := s.secret()
	if err != nil {
		return Tokens{}, nil, err
	}
	now := s.now()
	err = tx.Session.UpdateOne(current).
		SetRefreshHash(plainDigest(nonce)).
		SetRefreshedAt(now).
		SetExpiresAt(now.Add(refreshFor)).
		Exec(ctx)
	if err != nil {
		return Tokens{}, nil, fmt.Errorf("rotate a session: %w", err)
	}
	tokens, err = s.sessionTokens(current, nonce, accessFor)
	return tokens, nil, err
}

func (s *Service) endSession(ctx context.Context, tx *store.Tx, ended *ent.Session) error {
	if err := tx.Session.UpdateOne(ended).SetEndedAt(s.now()).Exec(ctx); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	tx.AfterCommit(func() { s.cfg.OnSessionsEnded(ended.RootUserID, []int{ended.ID}) })
	return nil
}

// endAllSessions ends each session of the account. Its long-lived token is ended
// by raising the credential version, which the caller does.
func (s *Service) endAllSessions(ctx context.Context, tx *store.Tx, rootUserID int) error {
	err := tx.Session.Update().
		Where(session.RootUserID(rootUserID), session.EndedAtIsNil()).
		SetEndedAt(s.now()).
		Exec(ctx)
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	tx.AfterCommit(func() { s.cfg.OnSessionsEnded(rootUserID, nil) })
	return nil
}

// SignOut ends the viewer's session: both its tokens stop at once, and what its
// installation has received of the feed is forgotten. A long-lived token has no
// session and goes on until the credentials change.
func (s *Service) SignOut(ctx context.Context, v viewer.Viewer) error {
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
		return s.endSession(ctx, tx, found[0])
	})
}
