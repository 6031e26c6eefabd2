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
	"luxbff/ent/session"
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
	return s.ViewerWith(ctx, claims, viewerStatement, nil)
}

// ViewerWith is [Sessions.Viewer] by a statement of the caller's, for what is needed of the
// account at the same moment. What it joins to the account is scanned into the targets that
// joined adds, which is called once for each row. Errors: as [Sessions.Viewer].
func (s *Sessions) ViewerWith(
	ctx context.Context, claims token.Claims, statement ViewerStatement, joined func(targets []any) []any,
) (viewer.Viewer, error) {
	if claims.Expired(s.now()) {
		return viewer.Viewer{}, apperr.TokenIsExpired.New()
	}
	u, of, err := s.userOfSession(ctx, claims.RootUserID, claims.SessionID, statement, joined)
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

// Settle checks the token of a request of which only the signature and the time are known to
// hold, if that is all, and gives the viewer or why there is none. Errors: as
// [Sessions.Authenticate].
func (s *Sessions) Settle(ctx context.Context) (viewer.Viewer, error) {
	_, unchecked := viewer.Unchecked(ctx)
	if claims := ClaimsFrom(ctx); unchecked && claims != nil {
		v, err := s.Viewer(ctx, *claims)
		viewer.Settle(ctx, v, err)
	}
	return viewer.From(ctx)
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

var sessionColumns = []string{session.FieldID, session.FieldEndedAt, session.FieldRotation, session.FieldIsRotationUsed}

// ViewerStatement reads the account and the session of a token in one statement.
type ViewerStatement struct {
	columns []string // of the account
	text    string
}

// NewViewerStatement makes one by hand, because every request with a token waits for it:
// ent would need two. It reads these columns of the account, which is u, those without which
// nobody could be refused, and then the values of what the joins add to it.
func NewViewerStatement(columns []string, values, joins, order string) ViewerStatement {
	for _, needed := range []string{user.FieldID, user.FieldDeletedAt, user.FieldCredentialVersion} {
		if !slices.Contains(columns, needed) {
			columns = append(slices.Clone(columns), needed)
		}
	}
	return ViewerStatement{columns, "SELECT " + column.Values("u", columns) + ", " + column.Values("s", sessionColumns) +
		", COALESCE(s.last_used_at <= $4, TRUE) AS a" + values +
		" FROM users u LEFT JOIN sessions s ON s.id = $2 AND s.root_user_id = u.id AND s.created_at > $3" + joins +
		" WHERE u.id = $1" + order}
}

// viewerStatement reads nothing beside the viewer. Its columns are those of the entity, so
// that a new one is read without a change here.
var viewerStatement = NewViewerStatement(viewerColumns, "", "", "")

// TokenHolds is the condition on which a token whose claims hold opens the account u, for
// a statement that reads more of the account at once. It refuses what [Sessions.Viewer]
// refuses, without saying why. Its parameters are $2 to $4, see
// [Sessions.TokenParameters].
const TokenHolds = "(u.deleted_at IS NULL AND (CAST($2 AS bigint) = 0 AND u.credential_version = $3" +
	" OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = $2 AND s.root_user_id = u.id AND s.ended_at IS NULL AND s.created_at > $4)))"

// TokenParameters are those of [TokenHolds].
func (s *Sessions) TokenParameters(claims token.Claims) (sessionID, credentialVersion int, startedAfter time.Time) {
	if claims.Use == token.Access {
		sessionID = claims.SessionID
	}
	return sessionID, claims.CredentialVersion, s.now().Add(-s.lifetime - token.Skew)
}

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
func (s *Sessions) userOfSession(
	ctx context.Context, rootUserID, sessionID int, statement ViewerStatement, joined func(targets []any) []any,
) (*ent.User, sessionState, error) {
	// SESSION_DAYS may have been shortened since the token was signed. Times are compared
	// by the database, because to read one from SQLite takes ten allocations.
	now := s.now()
	rows, err := s.store.Query(ctx, statement.text, rootUserID, sessionID,
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
	targets := u.AppendTargets(room[:0], statement.columns)
	targets = append(targets, column.Int(&foundSession), column.NillableTime(&endedAt), column.Int(&of.rotation),
		column.Bool(&of.rotationUsed), column.Bool(&of.isUseDue))
	own := len(targets)
	for isRow := true; isRow; isRow = joined != nil && rows.Next() {
		if joined != nil {
			targets = joined(targets[:own])
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, sessionState{}, fmt.Errorf("read the viewer: %w", err)
		}
		// The account and the session are the same in each row.
		for i := range own {
			targets[i] = column.Ignored{}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, sessionState{}, fmt.Errorf("read the viewer: %w", err)
	}
	of.open = foundSession != 0 && endedAt == nil
	return u, of, nil
}

type claimsKey struct{}

// WithClaims puts the claims of a socket's or a stream's token into its context: less than
// the token, which would have to be verified again.
func WithClaims(ctx context.Context, claims *token.Claims) context.Context {
	return context.WithValue(ctx, claimsKey{}, claims)
}

// ClaimsFrom gives what [WithClaims] put into the context, nil for nothing.
func ClaimsFrom(ctx context.Context) *token.Claims {
	claims, _ := ctx.Value(claimsKey{}).(*token.Claims)
	return claims
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

// SessionKeyOfClaims is [SessionKeyOf] for a token whose viewer nobody has read yet.
func SessionKeyOfClaims(claims token.Claims) SessionKey {
	if claims.Use == token.Access {
		return SessionKey{RootUserID: claims.RootUserID, SessionID: claims.SessionID}
	}
	return SessionKey{RootUserID: claims.RootUserID, CredentialVersion: claims.CredentialVersion}
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
