package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"luxbff/ent"
	"luxbff/internal/fault"
	"luxbff/internal/token"
	"luxbff/internal/viewer"
)

// Authenticate says whose token it is. Every request passes here, so it costs
// one prepared statement. The User of the viewer comes without its password
// hash, push token and counters of sign-in. Errors: Unauthenticated,
// TokenIsExpired, UserIsDeleted, UserIsNone.
func (s *Service) Authenticate(ctx context.Context, text string) (viewer.Viewer, error) {
	claims, err := s.cfg.Keys.Verify(text, s.now())
	switch {
	case errors.Is(err, token.ErrExpired) && claims.Use == token.Access:
		return viewer.Viewer{}, fault.TokenIsExpired.Err()
	case err != nil || claims.Use == token.Refresh:
		return viewer.Viewer{}, fault.Unauthenticated.Err()
	}
	u, live, err := s.userOfSession(ctx, claims.RootUserID, claims.SessionID)
	switch {
	case err != nil:
		return viewer.Viewer{}, err
	case u == nil:
		return viewer.Viewer{}, fault.UserIsNone.Err()
	case u.DeletedAt != nil:
		return viewer.Viewer{}, fault.UserIsDeleted.Err()
	case claims.Use == token.Access && !live,
		claims.Use == token.Long && claims.CredentialVersion != u.CredentialVersion:
		return viewer.Viewer{}, fault.Unauthenticated.Err()
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

func scanUserOfSession(rows *sql.Rows) (*ent.User, bool, error) {
	u := &ent.User{}
	var sessionID sql.NullInt64
	var endedAt sql.NullTime
	err := rows.Scan(&u.ID, &u.FirstName, &u.LastName, &u.Birthdate, &u.Gender, &u.Email, &u.IsEmailVerified,
		&u.Phone, &u.RegisterType, &u.NationalCode, &u.PasswordChangedAt, &u.CredentialVersion, &u.IsDeviceMuted,
		&u.IsDeviceAlimTalkEnabled, &u.IsBasestationAlertEnabled, &u.IsAdmin, &u.NotificationCheckedAt,
		&u.CreatedAt, &u.DeletedAt, &sessionID, &endedAt)
	return u, sessionID.Valid && !endedAt.Valid, err
}
