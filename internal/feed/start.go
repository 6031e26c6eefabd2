package feed

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/column"
	"luxbff/ent/device"
	"luxbff/ent/devlogevent"
	"luxbff/ent/feedposition"
	"luxbff/internal/apperr"
	"luxbff/internal/auth"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// opening is all that a subscription asks of the database when it begins, as it was at
// one moment.
type opening struct {
	feedBounds
	tokenHolds bool
	childOwner int // the account of the child that the feed is filtered to, 0 for no such child
	point      resumePoint
	// missed are the first events after the start point, with what they are about.
	missed []eventRow
}

// selectOpening reads an opening in one statement: when thousands of phones reconnect at
// once, the statements that each costs decide how soon the last of them is served. The
// parameters are $1 the account, $2 to $4 those of [auth.TokenHolds], $5 the child of the
// filter, $6 the installation and $7 the number after which the client wants the events;
// each of the last three may be null. The events are those after $7, or after the resume
// point, or none.
//
// Children and devices are of the account as their events are. That is said again, because
// PostgreSQL reads two tables of some thousand rows as a whole rather than find sixteen rows
// of each by id, but finds those of one account by their index: 13 pages where it took 65.
//
// A device comes with an event only while it is still with the child that the event is
// about, which it most often is; readObjects finds it elsewhere.
func selectOpening(point, ofChild string) string {
	return "SELECT u.event_seq, u.event_floor, " + auth.TokenHolds + ", COALESCE(f.root_user_id, 0), " +
		column.List("p", pointColumns) + ", " + column.List("e", devlogevent.Columns) + ", " +
		column.List("c", childuser.Columns) + ", " + column.List("d", device.Columns) +
		" FROM users u LEFT JOIN child_users f ON f.id = $5" +
		" LEFT JOIN feed_positions p ON p.root_user_id = $1 AND p.installation_id = $6 AND p.child_user_id" + point +
		" LEFT JOIN (SELECT * FROM devlog_events WHERE root_user_id = $1" + ofChild + " AND seq > COALESCE($7," +
		" (SELECT seq FROM feed_positions WHERE root_user_id = $1 AND installation_id = $6 AND child_user_id" + point + ")," +
		" (SELECT event_seq FROM users WHERE id = $1)) ORDER BY seq LIMIT " + fmt.Sprint(batchSize) + ") e ON TRUE" +
		" LEFT JOIN child_users c ON c.id = e.child_user_id AND c.root_user_id = $1" +
		" LEFT JOIN devices d ON d.id = e.device_id AND d.child_user_id = e.child_user_id AND d.root_user_id = $1" +
		" WHERE u.id = $1"
}

var (
	selectOpeningOfAll   = selectOpening(" IS NULL", "")
	selectOpeningOfChild = selectOpening(" = $5", " AND child_user_id = $5")
)

// pointColumns are those of a resume point that its key doesn't say.
var pointColumns = []string{
	feedposition.FieldID, feedposition.FieldSeq, feedposition.FieldHasGap, feedposition.FieldSessionID, feedposition.FieldUpdatedAt,
}

// query runs a statement, in a transaction or outside.
type query = func(ctx context.Context, text string, args ...any) (*store.Rows, error)

// readOpening reads the opening of a subscription that wants the events after a number,
// nil for those after its resume point.
func (s *Service) readOpening(ctx context.Context, query query, v viewer.Viewer, p SubscribeParams, after *int64) (opening, error) {
	text := selectOpeningOfAll
	if p.ChildUserID != nil {
		text = selectOpeningOfChild
	}
	var sessionID, credentialVersion int
	var startedAfter time.Time
	if p.Claims != nil {
		sessionID, credentialVersion, startedAfter = s.sessions.TokenParameters(*p.Claims)
	}
	rows, err := query(ctx, text, v.RootUserID(), sessionID, credentialVersion, startedAfter, p.ChildUserID, p.InstallationID, after)
	if err != nil {
		return opening{}, fmt.Errorf("read where a subscription starts: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var found opening
	isThere := false
	for rows.Next() {
		isThere = true
		if err := found.scan(rows); err != nil {
			return opening{}, fmt.Errorf("read where a subscription starts: %w", err)
		}
	}
	if err := rows.Err(); err != nil {
		return opening{}, fmt.Errorf("read where a subscription starts: %w", err)
	}
	if !isThere && p.Claims == nil {
		return opening{}, fmt.Errorf("read where a subscription starts: %w", sql.ErrNoRows)
	}
	slices.SortFunc(found.missed, func(a, b eventRow) int { return int(a.Seq - b.Seq) })
	found.point.compare(found.feedBounds, found.missed, s.clock())
	return found, nil
}

// scan reads a row: all of the opening, and one of the missed events if there are any.
func (o *opening) scan(rows *store.Rows) error {
	var point ent.FeedPosition
	event, c, d := &ent.DevlogEvent{}, &ent.ChildUser{}, &ent.Device{}
	targets := make([]any, 0, 64)
	targets = append(targets, &o.newest, &o.floor, column.Bool(&o.tokenHolds), &o.childOwner)
	targets = point.AppendTargets(targets, pointColumns)
	targets = event.AppendTargets(targets, devlogevent.Columns)
	targets = c.AppendTargets(targets, childuser.Columns)
	targets = d.AppendTargets(targets, device.Columns)
	if err := rows.Scan(targets...); err != nil {
		return err
	}
	o.point = newResumePoint(point)
	if event.ID == 0 {
		return nil
	}
	row := eventRow{DevlogEvent: event}
	if c.ID != 0 {
		row.child = c
	}
	if d.ID != 0 && c.ID != 0 {
		c.Edges.Device, d.Edges.ChildUser = d, c
		row.device = d
	}
	o.missed = append(o.missed, row)
	return nil
}

// checkRights refuses a client whose token no longer opens the account, and one that
// filters its feed to a child that isn't the account's. Errors: as of
// [auth.Sessions.Viewer], RealUserNotFound, NotAuthorizedUser.
func (sub *subscriber) checkRights(ctx context.Context, o opening, p SubscribeParams) error {
	switch {
	case p.Claims != nil && !o.tokenHolds:
		err := sub.service.reasonOfRefusal(ctx, *p.Claims)
		sub.subscription.Refuse(err)
		return err
	case p.ChildUserID == nil || o.childOwner == sub.viewer.RootUserID():
		return nil
	case o.childOwner == 0:
		return apperr.RealUserNotFound.WithField("childUserId")
	}
	return apperr.NotAuthorizedUser.WithField("childUserId")
}

// reasonOfRefusal is why a token no longer opens its account.
func (s *Service) reasonOfRefusal(ctx context.Context, claims token.Claims) error {
	if _, err := s.sessions.Viewer(ctx, claims); err != nil {
		return err
	}
	return apperr.Unauthenticated.New()
}
