package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"luxbff/ent"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Authenticate says whose token it is. Every request passes here, so it costs
// one prepared statement. The User of the viewer comes without its password
// hash, push token and counters of sign-in. Errors: Unauthenticated,
// TokenIsExpired, UserIsDeleted, UserIsNone.
func (s *Service) Authenticate(ctx context.Context, text string) (viewer.Viewer, error) {
	claims, err := s.Claims(text)
	if err != nil {
		return viewer.Viewer{}, err
	}
	return s.Recognise(ctx, claims)
}

// Claims reads a token that lets its bearer in. Errors: Unauthenticated,
// TokenIsExpired.
func (s *Service) Claims(text string) (token.Claims, error) {
	claims, err := s.cfg.Keys.Verify(text, s.now())
	switch {
	case errors.Is(err, token.ErrExpired) && claims.Use == token.Access:
		return token.Claims{}, apperr.TokenIsExpired.New()
	case err != nil || claims.Use == token.Refresh:
		return token.Claims{}, apperr.Unauthenticated.New()
	}
	return claims, nil
}

// Recognise says whose claims they are, and whether they still hold: what
// [Service.Authenticate] does, for whoever has kept the claims instead of the
// token.
func (s *Service) Recognise(ctx context.Context, claims token.Claims) (viewer.Viewer, error) {
	if claims.Expired(s.now()) {
		return viewer.Viewer{}, apperr.TokenIsExpired.New()
	}
	u, live, err := s.userOfSession(ctx, claims.RootUserID, claims.SessionID)
	switch {
	case err != nil:
		return viewer.Viewer{}, err
	case u == nil:
		return viewer.Viewer{}, apperr.UserIsNone.New()
	case u.DeletedAt != nil:
		return viewer.Viewer{}, apperr.UserIsDeleted.New()
	case claims.Use == token.Access && !live,
		claims.Use == token.Long && claims.CredentialVersion != u.CredentialVersion:
		return viewer.Viewer{}, apperr.Unauthenticated.New()
	}
	return viewer.Viewer{User: u, SessionID: claims.SessionID, ExpiresAt: claims.ExpiresAt}, nil
}

const selectUserOfSession = `SELECT u.id, u.first_name, u.last_name, u.birthdate, u.gender, u.email, u.is_email_verified,
	u.phone, u.register_type, u.national_code, u.password_changed_at, u.credential_version, u.is_device_muted,
	u.is_device_alim_talk_enabled, u.is_basestation_alert_enabled, u.is_admin, u.notification_checked_at,
	u.created_at, u.deleted_at, s.id, s.ended_at
FROM users u LEFT JOIN sessions s ON s.id = $2 AND s.root_user_id = u.id WHERE u.id = $1`

// userOfSession gives nil for an account that never was, and whether the session
// is one of the account's that has not ended.
func (s *Service) userOfSession(ctx context.Context, rootUserID, sessionID int) (*ent.User, bool, error) {
	rows, err := s.store.Query(ctx, selectUserOfSession, rootUserID, sessionID)
	if err != nil {
		return nil, false, fmt.Errorf("read the viewer: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, false, rows.Err()
	}
	u, live, err := scanUserOfSession(rows)
	if err != nil {
		return nil, false, fmt.Errorf("read the viewer: %w", err)
	}
	return u, live, nil
}

func scanUserOfSession(rows *store.Rows) (*ent.User, bool, error) {
	u := &ent.User{}
	var sessionID sql.NullInt64
	var endedAt sql.NullTime
	err := rows.Scan(&u.ID, &u.FirstName, &u.LastName, &u.Birthdate, &u.Gender, &u.Email, &u.IsEmailVerified,
		&u.Phone, &u.RegisterType, &u.NationalCode, &u.PasswordChangedAt, &u.CredentialVersion, &u.IsDeviceMuted,
		&u.IsDeviceAlimTalkEnabled, &u.IsBasestationAlertEnabled, &u.IsAdmin, &u.NotificationCheckedAt,
		&u.CreatedAt, &u.DeletedAt, &sessionID, &endedAt)
	return u, sessionID.Valid && !endedAt.Valid, err
}

// Opened is what a connection was opened with: a session, or, where SessionID is
// 0, the long-lived token that the account had at that CredentialVersion.
type Opened struct{ RootUserID, SessionID, CredentialVersion int }

// OpenedBy is what the viewer's token was.
func OpenedBy(v viewer.Viewer) Opened {
	if v.SessionID != 0 {
		return Opened{RootUserID: v.RootUserID(), SessionID: v.SessionID}
	}
	return Opened{RootUserID: v.RootUserID(), CredentialVersion: v.User.CredentialVersion}
}

const selectLiveSessions = `SELECT u.id, u.credential_version, s.id
FROM ids JOIN users u ON u.id = ids.id AND u.deleted_at IS NULL
LEFT JOIN sessions s ON s.root_user_id = u.id AND s.ended_at IS NULL`

// Ended gives those that open nothing any more, as Authenticate would find them
// one by one, in one statement: signed out, account deleted, credentials changed.
// That a token expires is in the token.
func (s *Service) Ended(ctx context.Context, opened []Opened) ([]Opened, error) {
	accounts := make([]int, len(opened))
	for i, o := range opened {
		accounts[i] = o.RootUserID
	}
	slices.Sort(accounts)
	good, err := s.stillGood(ctx, slices.Compact(accounts))
	if err != nil {
		return nil, fmt.Errorf("read live sessions: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(opened), func(o Opened) bool { return good[o] }), nil
}

// stillGood is everything by which the accounts can be opened.
func (s *Service) stillGood(ctx context.Context, accounts []int) (map[Opened]bool, error) {
	rows, err := s.store.QueryAmong(ctx, accounts, selectLiveSessions)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	good := map[Opened]bool{}
	for rows.Next() {
		var rootUserID, credentialVersion int
		var sessionID sql.NullInt64
		if err := rows.Scan(&rootUserID, &credentialVersion, &sessionID); err != nil {
			return nil, err
		}
		good[Opened{RootUserID: rootUserID, CredentialVersion: credentialVersion}] = true
		if sessionID.Valid {
			good[Opened{RootUserID: rootUserID, SessionID: int(sessionID.Int64)}] = true
		}
	}
	return good, rows.Err()
}
