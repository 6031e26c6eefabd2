package feed

import (
	"context"
	"fmt"
	"math"
	"time"

	"luxbff/ent"
	"luxbff/ent/feedposition"
	"luxbff/ent/predicate"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

const (
	// maxInstallationID is the longest id of an installation, in bytes.
	maxInstallationID = 64
	// maxResumePoints is how many resume points an account keeps, those used last.
	maxResumePoints = 64
	// resumePointRetention is how long a resume point is kept that nobody uses:
	// longer than any session lives without a refresh (2 weeks).
	resumePointRetention = 30 * 24 * time.Hour
	// refreshAfter is how old a resume point gets before a new connection writes it
	// only to show that it is used. A phone in a bad network connects often, and
	// should cause at most one such write a day.
	refreshAfter = 24 * time.Hour
)

// feedBounds are the two ends of what an account's feed holds.
type feedBounds struct {
	newest int64 // the number of the last event, 0 if there was none
	floor  int64 // the number up to which events were pruned
}

func readBounds(ctx context.Context, db *ent.Client, rootUserID int) (feedBounds, error) {
	account, err := db.User.Query().Where(user.ID(rootUserID)).
		Select(user.FieldEventSeq, user.FieldEventFloor).Only(ctx)
	if err != nil {
		return feedBounds{}, fmt.Errorf("read event numbers: %w", err)
	}
	return feedBounds{account.EventSeq, account.EventFloor}, nil
}

// startPoint is where a subscription starts: with the first event after seq.
// Recovered reports that nothing is missing between what the client has received
// and that event.
type startPoint struct {
	seq, newest int64
	recovered   bool
}

// resumeKey identifies a resume point: one feed of one installation of the app.
type resumeKey struct {
	rootUserID     int
	installationID string
	childUserID    int // 0 for all children
}

// newResumeKey is for params that name their installation.
func newResumeKey(v viewer.Viewer, p SubscribeParams) resumeKey {
	key := resumeKey{rootUserID: v.RootUserID(), installationID: *p.InstallationID}
	if p.ChildUserID != nil {
		key.childUserID = *p.ChildUserID
	}
	return key
}

// validInstallationID reports whether the id is 1 to 64 printable ASCII characters.
func validInstallationID(id string) bool {
	for _, c := range []byte(id) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxInstallationID
}

// row selects the stored resume point.
func (k resumeKey) row() predicate.FeedPosition {
	child := feedposition.ChildUserIDIsNil()
	if k.childUserID != 0 {
		child = feedposition.ChildUserID(k.childUserID)
	}
	return feedposition.And(
		feedposition.RootUserID(k.rootUserID), feedposition.InstallationID(k.installationID), child)
}

// resumePoint is a stored row, if it exists, and how the account's feed compares to
// it.
type resumePoint struct {
	exists    bool
	seq       int64 // the last event acknowledged, or the newest when it was made
	hasGap    bool  // events before seq were lost, and nothing was acknowledged since
	sessionID int   // of the session that subscribed last, 0 for a long-lived token
	updatedAt time.Time
	hasMissed bool // there are events after seq
	hasLost   bool // some of them are no longer kept
}

// newResumePoint is for a row whose id is 0 if there is none.
func newResumePoint(row ent.FeedPosition) resumePoint {
	p := resumePoint{exists: row.ID != 0, seq: row.Seq, hasGap: row.HasGap, updatedAt: row.UpdatedAt}
	if row.SessionID != nil {
		p.sessionID = *row.SessionID
	}
	return p
}

// compare compares a point with the feed and the first events after it.
func (p *resumePoint) compare(bounds feedBounds, missed []eventRow, now time.Time) {
	if !p.exists {
		return
	}
	p.hasMissed = len(missed) > 0
	p.hasLost = p.hasMissed && now.Sub(missed[0].OccurredAt) > Retention || p.seq < bounds.floor || p.seq > bounds.newest
}

func (p resumePoint) start(newest int64) startPoint {
	if !p.exists {
		return startPoint{seq: newest, newest: newest}
	}
	return startPoint{seq: p.seq, newest: newest, recovered: !p.hasGap}
}

// findStart finds the start point of a subscription, and those of the events after it
// that were read on the way. Errors: as of checkRights, CursorNotValid, CursorExpired.
func (sub *subscriber) findStart(p SubscribeParams) (startPoint, []eventRow, error) {
	s := sub.service
	var after *int64
	var given cursor
	var notValid error
	if p.After != nil {
		if given, notValid = parseCursor(*p.After); notValid != nil {
			given.seq = math.MaxInt64
		}
		after = &given.seq
	}
	found, err := s.readOpening(sub.ctx, s.store.Query, sub.viewer, p, after)
	if err == nil {
		err = sub.checkRights(sub.ctx, found, p)
	}
	if err != nil {
		return startPoint{}, nil, err
	}
	read := startPoint{seq: found.newest, newest: found.newest}
	from := read
	switch {
	case p.After != nil:
		read.seq = given.seq
		from, err = s.startAfterCursor(sub.ctx, sub.viewer, p, given, notValid, found)
	case p.InstallationID != nil:
		read.seq = found.point.start(found.newest).seq
		from, err = s.startAtResumePoint(sub.ctx, sub.viewer, p, found)
	}
	if err != nil {
		return startPoint{}, nil, err
	}
	if from.seq != read.seq {
		return from, nil, nil // it was moved meanwhile: what was read isn't what follows
	}
	return from, found.missed, nil
}

// startAfterCursor takes the client's word for what it has received. Errors:
// CursorNotValid, CursorExpired.
func (s *Service) startAfterCursor(
	ctx context.Context, v viewer.Viewer, p SubscribeParams, c cursor, notValid error, found opening,
) (startPoint, error) {
	if notValid != nil || c.rootUserID != v.RootUserID() || c.seq > found.newest {
		return startPoint{}, apperr.CursorNotValid.WithField("after")
	}
	// The time alone is not enough: the clock may have run ahead when events were
	// pruned and be set back since. So the floor decides as well.
	if s.clock().Sub(c.occurredAt) > Retention || c.seq < found.floor {
		return startPoint{}, apperr.CursorExpired.WithField("after")
	}
	// A cursor of one child's feed promises nothing about the other children.
	sameFilter := c.childUserID == 0 || p.ChildUserID != nil && *p.ChildUserID == c.childUserID
	from := startPoint{seq: c.seq, newest: found.newest, recovered: sameFilter}
	point := found.point
	isThere := point.exists && point.seq == from.seq && point.hasGap == !from.recovered
	if p.InstallationID == nil || isThere && !s.needsRefresh(point, v) {
		return from, nil
	}
	// The client's cursor outranks the resume point, and sets it, even back.
	return from, s.setResumePoint(ctx, v, p, from)
}

func (s *Service) setResumePoint(ctx context.Context, v viewer.Viewer, p SubscribeParams, to startPoint) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := s.lockAndRead(ctx, tx, v, p)
		if err != nil {
			return err
		}
		point := found.point
		point.seq, point.hasGap = to.seq, !to.recovered
		return s.writeResumePoint(ctx, tx, v, newResumeKey(v, p), point)
	})
}

// startAtResumePoint starts behind the last event that the installation has
// acknowledged; an installation that is new, with the next event.
//
// One whose missed events are no longer kept gets CursorExpired once. The resume
// point is moved to now at the same time, so that subscribing again works: many
// clients reconnect by themselves with the parameters they had, and would otherwise
// get that error for ever.
func (s *Service) startAtResumePoint(
	ctx context.Context, v viewer.Viewer, p SubscribeParams, found opening,
) (from startPoint, err error) {
	point := found.point
	behind := !point.hasMissed && point.seq != found.newest
	if point.exists && !point.hasLost && !behind && !s.needsRefresh(point, v) {
		return point.start(found.newest), nil
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// What was read outside the transaction may have changed since.
		if found, err = s.lockAndRead(ctx, tx, v, p); err != nil {
			return err
		}
		point = found.point
		from = point.start(found.newest)
		// A resume point that has missed nothing moves up to the newest event, which
		// may be another child's: otherwise it would look expired once that is pruned.
		if !point.exists || point.hasLost || !point.hasMissed {
			point.seq = found.newest
		}
		from.seq, point.hasGap = point.seq, point.hasGap || point.hasLost
		return s.writeResumePoint(ctx, tx, v, newResumeKey(v, p), point)
	})
	if err == nil && point.hasLost {
		return startPoint{}, apperr.CursorExpired.WithField("installationId")
	}
	return from, err
}

// needsRefresh reports whether a new subscription changes a row whose number it leaves.
func (s *Service) needsRefresh(p resumePoint, v viewer.Viewer) bool {
	return p.sessionID != v.SessionID || s.clock().Sub(p.updatedAt) >= refreshAfter
}

// lockAndRead reads the opening anew in a transaction that keeps other writers of the
// account away. It returns RealUserNotFound for a feed of a child that was deleted
// meanwhile.
func (s *Service) lockAndRead(ctx context.Context, tx *store.Tx, v viewer.Viewer, p SubscribeParams) (opening, error) {
	if err := tx.Lock(ctx, user.Table, v.RootUserID()); err != nil {
		return opening{}, err
	}
	found, err := s.readOpening(ctx, tx.Query, v, p, nil)
	if err == nil && p.ChildUserID != nil && found.childOwner == 0 {
		err = apperr.RealUserNotFound.New()
	}
	return found, err
}

// writeResumePoint stores the point, under the session of the viewer: its sign-out removes
// it.
func (s *Service) writeResumePoint(ctx context.Context, tx *store.Tx, v viewer.Viewer, key resumeKey, p resumePoint) error {
	var sessionID *int
	if v.SessionID != 0 {
		sessionID = &v.SessionID
	}
	if p.exists {
		update := tx.FeedPosition.Update().Where(key.row()).SetSeq(p.seq).SetHasGap(p.hasGap).SetUpdatedAt(s.clock())
		if sessionID == nil {
			update.ClearSessionID()
		}
		return update.SetNillableSessionID(sessionID).Exec(ctx)
	}
	create := tx.FeedPosition.Create().SetRootUserID(key.rootUserID).SetInstallationID(key.installationID).
		SetSeq(p.seq).SetHasGap(p.hasGap).SetNillableSessionID(sessionID).SetUpdatedAt(s.clock())
	if key.childUserID != 0 {
		create.SetChildUserID(key.childUserID)
	}
	if err := create.Exec(ctx); err != nil {
		return fmt.Errorf("store a resume point: %w", err)
	}
	return deleteOldest(ctx, tx, key.rootUserID)
}

// deleteOldest keeps an app that invents a new installation each time from filling
// the table.
func deleteOldest(ctx context.Context, tx *store.Tx, rootUserID int) error {
	ids, err := tx.FeedPosition.Query().Where(feedposition.RootUserID(rootUserID)).
		Order(ent.Desc(feedposition.FieldUpdatedAt, feedposition.FieldID)).Offset(maxResumePoints).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = tx.FeedPosition.Delete().Where(feedposition.IDIn(ids...)).Exec(ctx)
	return err
}

// resumePoints keeps the stored rows.
type resumePoints struct {
	store *store.Store
	clock func() time.Time
}

// advance moves a stored resume point forward to an acknowledged event. Acks may
// come out of order, so it never moves back. A row that was deleted, as by a
// sign-out, stays deleted. An event that doesn't exist yet can't have been received.
func (r resumePoints) advance(ctx context.Context, tx *store.Tx, key resumeKey, seq int64) error {
	return tx.FeedPosition.Update().Where(key.row(), feedposition.SeqLT(seq), feedposition.HasRootUserWith(user.EventSeqGTE(seq))).
		SetSeq(seq).SetHasGap(false).SetUpdatedAt(r.clock()).Exec(ctx)
}
