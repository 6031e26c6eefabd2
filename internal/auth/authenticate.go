package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/column"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/auth/token"
	"luxbff/internal/viewer"
)

// Authenticate says whose access token or long-lived token text is. Every
// request with a token passes here, so it costs one prepared statement. The User
// of the viewer comes without its password hash, push token and counters of
// wrong passwords. Errors: Unauthenticated, TokenIsExpired, UserIsDeleted,
// UserIsNone.
func (s *Sessions) Authenticate(ctx context.Context, text string) (viewer.Viewer, error) {
	claims, err := s.Claims(text)
	if err != nil {
		return viewer.Viewer{}, err
	}
	return s.Viewer(ctx, claims)
}

// Claims checks the signature and the time of an access token or a long-lived
// token, and asks no database. Errors: Unauthenticated, TokenIsExpired.
func (s *Sessions) Claims(text string) (token.Claims, error) {
	claims, err := s.keys.Verify(text, s.now())
	switch {
	case errors.Is(err, token.ErrExpired) && claims.Use == token.Access:
		return token.Claims{}, apperr.TokenIsExpired.New()
	case err != nil || claims.Use == token.Refresh:
		return token.Claims{}, apperr.Unauthenticated.New()
	}
	return claims, nil
}

// Viewer finds the account that the claims name and checks that they still
// hold. A socket keeps the claims instead of the token and calls this before
// each operation. Errors: as [Sessions.Authenticate].
func (s *Sessions) Viewer(ctx context.Context, claims token.Claims) (viewer.Viewer, error) {
	if claims.Expired(s.now()) {
		return viewer.Viewer{}, apperr.TokenIsExpired.New()
	}
	u, of, err := s.userOfSession(ctx, claims.RootUserID, claims.SessionID)
	switch {
	case err != nil:
		return viewer.Viewer{}, err
	case u == nil:
		return viewer.Viewer{}, apperr.UserIsNone.New()
	case u.DeletedAt != nil:
		return viewer.Viewer{}, apperr.UserIsDeleted.New()
	case claims.Use == token.Access && !of.open,
		claims.Use == token.Long && claims.CredentialVersion != u.CredentialVersion:
		return viewer.Viewer{}, apperr.Unauthenticated.New()
	}
	if claims.Use == token.Access && claims.Rotation == of.rotation && of.rotation > 0 && !of.rotationUsed {
		// A database that takes no writes now also rotates no token, so reading goes on.
		if err := s.markRotationUsed(ctx, claims); err != nil && !apperr.Is(err, apperr.Unavailable) {
			return viewer.Viewer{}, err
		}
	}
	if claims.Use == token.Access && of.isUseDue {
		s.uses.note(claims.SessionID, s.now())
	}
	return viewer.Viewer{User: u, SessionID: claims.SessionID, ExpiresAt: claims.ExpiresAt}, nil
}

// Recheck finds the viewer anew, for an action that follows others of the same request:
// one of them may have changed the account's row, ended the session or deleted the
// account. The viewer must still have its row. Errors: as [Sessions.Authenticate].
func (s *Sessions) Recheck(ctx context.Context, v viewer.Viewer) (viewer.Viewer, error) {
	claims := token.Claims{Use: token.Access, RootUserID: v.RootUserID(), SessionID: v.SessionID, ExpiresAt: v.ExpiresAt}
	if v.SessionID == 0 {
		claims.Use, claims.CredentialVersion = token.Long, v.User.CredentialVersion
	}
	return s.Viewer(ctx, claims)
}

// viewerColumns leaves out what no viewer needs: secrets, what guards sign-in,
// and the counters of the feed, which change while the viewer is in use.
var viewerColumns = column.Except(user.Columns,
	user.FieldPasswordHash, user.FieldPreviousVerifiedEmail, user.FieldPushToken, user.FieldWrongPasswords, user.FieldBlockedUntil,
	user.FieldEventSeq, user.FieldEventFloor)

// The statement is written by hand because every request with a token waits for
// it; ent would need two. The columns are those of the entity, so that a new one
// is read without a change here.
var selectUserOfSession = "SELECT " + column.List("u", viewerColumns) + ", s.id, s.ended_at, s.rotation, s.is_rotation_used, COALESCE(s.last_used_at <= $4, TRUE)" +
	" FROM users u LEFT JOIN sessions s ON s.id = $2 AND s.root_user_id = u.id AND s.created_at > $3 WHERE u.id = $1"

// sessionState is what a token asks about its session. It is zero where the account
// has no such session.
type sessionState struct {
	open         bool
	isUseDue     bool // whether the use that is stored is older than useResolution
	rotation     int
	rotationUsed bool
}

// userOfSession gives nil for an account that never was, and what there is to know
// of its session.
func (s *Sessions) userOfSession(ctx context.Context, rootUserID, sessionID int) (*ent.User, sessionState, error) {
	// SESSION_DAYS may have been shortened since the token was signed. Times are compared
	// by the database, because to read one from SQLite takes ten allocations.
	now := s.now()
	rows, err := s.store.Query(ctx, selectUserOfSession, rootUserID, sessionID,
		now.Add(-s.lifetime-token.Skew), now.Add(-useResolution))
	if err != nil {
		return nil, sessionState{}, fmt.Errorf("read the viewer: %w", err)
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return nil, sessionState{}, rows.Err()
	}
	u := &ent.User{}
	var of sessionState
	var foundSession int // stays 0 where no session is joined
	var endedAt *time.Time
	var room [32]any // on the stack; with more columns append moves to the heap
	targets := u.AppendTargets(room[:0], viewerColumns)
	targets = append(targets, column.Int(&foundSession), column.NillableTime(&endedAt), column.Int(&of.rotation),
		column.Bool(&of.rotationUsed), column.Bool(&of.isUseDue))
	if err := rows.Scan(targets...); err != nil {
		return nil, sessionState{}, fmt.Errorf("read the viewer: %w", err)
	}
	of.open = foundSession != 0 && endedAt == nil
	return u, of, nil
}

// SessionKey names what a connection was opened with: a session or, where
// SessionID is 0, the long-lived token that the account had at that
// CredentialVersion. It is comparable, so that open connections can be filed by
// it.
type SessionKey struct{ RootUserID, SessionID, CredentialVersion int }

// SessionKeyOf gives the key of the viewer's token. The viewer must still have
// its row.
func SessionKeyOf(v viewer.Viewer) SessionKey {
	if v.SessionID != 0 {
		return SessionKey{RootUserID: v.RootUserID(), SessionID: v.SessionID}
	}
	return SessionKey{RootUserID: v.RootUserID(), CredentialVersion: v.User.CredentialVersion}
}

const selectOpenSessions = `SELECT u.id, u.credential_version, s.id, s.last_used_at
FROM ids JOIN users u ON u.id = ids.id AND u.deleted_at IS NULL
LEFT JOIN sessions s ON s.root_user_id = u.id AND s.ended_at IS NULL`

// FindEnded gives those of the keys that open nothing any more, because of a
// sign-out, a deleted account or changed credentials. It finds what
// [Sessions.Viewer] would refuse one by one, in one statement for any number.
// That a token expires it does not say: the connection knows it from the token. The
// sessions of the others are in use while they hold a connection.
func (s *Sessions) FindEnded(ctx context.Context, keys []SessionKey) ([]SessionKey, error) {
	accounts := make([]int, len(keys))
	for i, key := range keys {
		accounts[i] = key.RootUserID
	}
	slices.Sort(accounts)
	open, err := s.openKeys(ctx, slices.Compact(accounts))
	if err != nil {
		return nil, fmt.Errorf("read open sessions: %w", err)
	}
	var ended []SessionKey
	for _, key := range keys {
		lastUsedAt, isOpen := open[key]
		switch {
		case !isOpen:
			ended = append(ended, key)
		case key.SessionID != 0 && s.now().Sub(lastUsedAt) >= useResolution:
			s.uses.note(key.SessionID, s.now())
		}
	}
	return ended, nil
}

// openKeys is every key by which the accounts can be opened now, with the last use of the
// session that is stored.
func (s *Sessions) openKeys(ctx context.Context, accounts []int) (map[SessionKey]time.Time, error) {
	rows, err := s.store.QueryWithIDs(ctx, accounts, selectOpenSessions)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	open := map[SessionKey]time.Time{}
	for rows.Next() {
		var rootUserID, credentialVersion int
		var sessionID sql.NullInt64
		var lastUsedAt time.Time
		if err := rows.Scan(&rootUserID, &credentialVersion, &sessionID, column.Time(&lastUsedAt)); err != nil {
			return nil, err
		}
		open[SessionKey{RootUserID: rootUserID, CredentialVersion: credentialVersion}] = time.Time{}
		if sessionID.Valid {
			open[SessionKey{RootUserID: rootUserID, SessionID: int(sessionID.Int64)}] = lastUsedAt
		}
	}
	return open, rows.Err()
}
