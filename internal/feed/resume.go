package feed

import (
	"context"
	"fmt"
	"time"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/devlogevent"
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
	feedBounds
	exists    bool
	seq       int64 // the last event acknowledged, or the newest when it was made
	hasGap    bool  // events before seq were lost, and nothing was acknowledged since
	sessionID int   // of the session that subscribed last, 0 for a long-lived token
	updatedAt time.Time
	hasMissed bool // there are events after seq
	hasLost   bool // some of them are no longer kept
}

func (p resumePoint) start() startPoint {
	if !p.exists {
		return startPoint{seq: p.newest, newest: p.newest}
	}
	return startPoint{seq: p.seq, newest: p.newest, recovered: !p.hasGap}
}

// resumePoints finds where subscriptions start and keeps the stored rows.
type resumePoints struct {
	store *store.Store
	clock func() time.Time
}

// findStart finds the start point of a subscription.
func (r resumePoints) findStart(ctx context.Context, v viewer.Viewer, p SubscribeParams) (startPoint, error) {
	switch {
	case p.After != nil:
		return r.startAfterCursor(ctx, v, p)
	case p.InstallationID != nil:
		return r.startAtResumePoint(ctx, v, newResumeKey(v, p))
	}
	bounds, err := readBounds(ctx, r.store.Read(), v.RootUserID())
	return startPoint{seq: bounds.newest, newest: bounds.newest}, err
}

// startAfterCursor takes the client's word for what it has received. Errors:
// CursorNotValid, CursorExpired.
func (r resumePoints) startAfterCursor(ctx context.Context, v viewer.Viewer, p SubscribeParams) (startPoint, error) {
	bounds, err := readBounds(ctx, r.store.Read(), v.RootUserID())
	if err != nil {
		return startPoint{}, err
	}
	c, err := parseCursor(*p.After)
	if err != nil || c.rootUserID != v.RootUserID() || c.seq > bounds.newest {
		return startPoint{}, apperr.CursorNotValid.WithField("after")
	}
	// The time alone is not enough: the clock may have run ahead when events were
	// pruned and be set back since. So the floor decides as well.
	if r.clock().Sub(c.occurredAt) > Retention || c.seq < bounds.floor {
		return startPoint{}, apperr.CursorExpired.WithField("after")
	}
	// A cursor of one child's feed promises nothing about the other children.
	sameFilter := c.childUserID == 0 || p.ChildUserID != nil && *p.ChildUserID == c.childUserID
	from := startPoint{seq: c.seq, newest: bounds.newest, recovered: sameFilter}
	if p.InstallationID == nil {
		return from, nil
	}
	// The client's cursor outranks the resume point, and sets it, even back.
	return from, r.set(ctx, v, newResumeKey(v, p), from)
}

func (r resumePoints) set(ctx context.Context, v viewer.Viewer, key resumeKey, to startPoint) error {
	return r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		point, err := r.lockAndRead(ctx, tx, key)
		if err != nil {
			return err
		}
		point.seq, point.hasGap = to.seq, !to.recovered
		return r.write(ctx, tx, v, key, point)
	})
}

// startAtResumePoint starts behind the last event that the installation has
// acknowledged; an installation that is new, with the next event.
//
// One whose missed events are no longer kept gets CursorExpired once. The resume
// point is moved to now at the same time, so that subscribing again works: many
// clients reconnect by themselves with the parameters they had, and would otherwise
// get that error for ever.
func (r resumePoints) startAtResumePoint(ctx context.Context, v viewer.Viewer, key resumeKey) (from startPoint, err error) {
	point, err := r.read(ctx, r.store.Read(), key)
	if err != nil {
		return startPoint{}, err
	}
	if !r.needsWrite(point, v) {
		return point.start(), nil
	}
	err = r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		// What was read outside the transaction may have changed since.
		if point, err = r.lockAndRead(ctx, tx, key); err != nil {
			return err
		}
		from = point.start()
		// A resume point that has missed nothing moves up to the newest event, which
		// may be another child's: otherwise it would look expired once that is pruned.
		if !point.exists || point.hasLost || !point.hasMissed {
			point.seq = point.newest
		}
		from.seq, point.hasGap = point.seq, point.hasGap || point.hasLost
		return r.write(ctx, tx, v, key, point)
	})
	if err == nil && point.hasLost {
		return startPoint{}, apperr.CursorExpired.WithField("installationId")
	}
	return from, err
}

// needsWrite reports whether a new subscription changes the stored row.
func (r resumePoints) needsWrite(p resumePoint, v viewer.Viewer) bool {
	behind := !p.hasMissed && p.seq != p.newest
	return !p.exists || p.hasLost || behind || p.sessionID != v.SessionID || r.clock().Sub(p.updatedAt) >= refreshAfter
}

// lockAndRead is read in a transaction that keeps other writers of the account
// away. It returns RealUserNotFound for a feed of a child that was deleted meanwhile.
func (r resumePoints) lockAndRead(ctx context.Context, tx *store.Tx, key resumeKey) (resumePoint, error) {
	if err := tx.Lock(ctx, user.Table, key.rootUserID); err != nil {
		return resumePoint{}, err
	}
	if key.childUserID != 0 {
		exists, err := tx.ChildUser.Query().Where(childuser.ID(key.childUserID)).Exist(ctx)
		if err != nil {
			return resumePoint{}, fmt.Errorf("find the child: %w", err)
		}
		if !exists {
			return resumePoint{}, apperr.RealUserNotFound.New()
		}
	}
	return r.read(ctx, tx.Client, key)
}

// read reads the row first and the bounds of the feed after it. The bounds only
// grow, so a row is never compared with bounds older than itself.
func (r resumePoints) read(ctx context.Context, db *ent.Client, key resumeKey) (p resumePoint, err error) {
	row, err := db.FeedPosition.Query().Where(key.row()).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return p, fmt.Errorf("read a resume point: %w", err)
	}
	if p.feedBounds, err = readBounds(ctx, db, key.rootUserID); err != nil || row == nil {
		return p, err
	}
	p.exists, p.seq, p.hasGap, p.updatedAt = true, row.Seq, row.HasGap, row.UpdatedAt
	if row.SessionID != nil {
		p.sessionID = *row.SessionID
	}
	next, err := firstEventAfter(ctx, db, key, row.Seq)
	if err != nil {
		return p, err
	}
	p.hasMissed = next != nil
	p.hasLost = next != nil && r.clock().Sub(next.OccurredAt) > Retention || p.seq < p.floor || p.seq > p.newest
	return p, nil
}

// firstEventAfter returns nil if there is none.
func firstEventAfter(ctx context.Context, db *ent.Client, key resumeKey, seq int64) (*ent.DevlogEvent, error) {
	query := db.DevlogEvent.Query().
		Where(devlogevent.RootUserID(key.rootUserID), devlogevent.SeqGT(seq)).
		Order(ent.Asc(devlogevent.FieldSeq))
	if key.childUserID != 0 {
		query.Where(devlogevent.ChildUserID(key.childUserID))
	}
	next, err := query.First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil //nolint:nilnil // nothing was missed
	}
	return next, err
}

// write stores the point, under the session of the viewer: its sign-out removes it.
func (r resumePoints) write(ctx context.Context, tx *store.Tx, v viewer.Viewer, key resumeKey, p resumePoint) error {
	var sessionID *int
	if v.SessionID != 0 {
		sessionID = &v.SessionID
	}
	if p.exists {
		update := tx.FeedPosition.Update().Where(key.row()).SetSeq(p.seq).SetHasGap(p.hasGap).SetUpdatedAt(r.clock())
		if sessionID == nil {
			update.ClearSessionID()
		}
		return update.SetNillableSessionID(sessionID).Exec(ctx)
	}
	create := tx.FeedPosition.Create().SetRootUserID(key.rootUserID).SetInstallationID(key.installationID).
		SetSeq(p.seq).SetHasGap(p.hasGap).SetNillableSessionID(sessionID).SetUpdatedAt(r.clock())
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

// advance moves a stored resume point forward to an acknowledged event. Acks may
// come out of order, so it never moves back. A row that was deleted, as by a
// sign-out, stays deleted.
func (r resumePoints) advance(ctx context.Context, tx *store.Tx, key resumeKey, seq int64) error {
	return tx.FeedPosition.Update().Where(key.row(), feedposition.SeqLT(seq)).
		SetSeq(seq).SetHasGap(false).SetUpdatedAt(r.clock()).Exec(ctx)
}
