package devlog

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
	// maxInstallation is the longest id of an installation, in bytes.
	maxInstallation = 64
	// maxPositions is how many positions an account keeps, those used last.
	maxPositions = 64
	// positionKept is how long a position is kept that nobody uses: longer than
	// any session lives without a refresh.
	positionKept = 30 * 24 * time.Hour
	// renewAfter is how old a position gets before a new connection renews it.
	renewAfter = 24 * time.Hour
)

// reader is one feed of one installation: what has a position.
type reader struct {
	rootUserID     int
	installationID string
	childUserID    int // 0 for all children
}

// readerOf is a subscriber that names its installation.
func readerOf(v viewer.Viewer, p FeedParams) reader {
	of := reader{rootUserID: v.RootUserID(), installationID: *p.InstallationID}
	if p.ChildUserID != nil {
		of.childUserID = *p.ChildUserID
	}
	return of
}

// isInstallation reports whether text can be the id of an installation: 1 to 64
// printable ASCII characters.
func isInstallation(text string) bool {
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return text != "" && len(text) <= maxInstallation
}

func (of reader) is() predicate.FeedPosition {
	child := feedposition.ChildUserIDIsNil()
	if of.childUserID != 0 {
		child = feedposition.ChildUserID(of.childUserID)
	}
	return feedposition.And(
		feedposition.RootUserID(of.rootUserID), feedposition.InstallationID(of.installationID), child)
}

// beginning is after which event a feed begins, which is the newest by then, and
// whether the feed goes on with nothing missed.
type beginning struct {
	seq, newest int64
	recovered   bool
}

// begin finds where a feed begins.
func (s *Service) begin(ctx context.Context, v viewer.Viewer, p FeedParams) (beginning, error) {
	switch {
	case p.After != nil:
		return s.beginAfter(ctx, v, p)
	case p.InstallationID != nil:
		return s.resume(ctx, v, readerOf(v, p))
	}
	now, err := s.stand(ctx, s.store.Read(), v.RootUserID())
	return beginning{seq: now.newest, newest: now.newest}, err
}

// beginAfter takes the client's word for what it has received. A feed of one
// child tells nothing of the others, so its cursor promises nothing to a feed of
// other children.
func (s *Service) beginAfter(ctx context.Context, v viewer.Viewer, p FeedParams) (beginning, error) {
	now, err := s.stand(ctx, s.store.Read(), v.RootUserID())
	if err != nil {
		return beginning{}, err
	}
	at, err := readCursor(*p.After)
	if err != nil || at.rootUserID != v.RootUserID() || at.seq > now.newest {
		return beginning{}, apperr.CursorNotValid.WithField("after")
	}
	if s.clock().Sub(at.occurredAt) > Kept || at.seq < now.floor {
		return beginning{}, apperr.CursorExpired.WithField("after")
	}
	whole := at.childUserID == 0 || p.ChildUserID != nil && *p.ChildUserID == at.childUserID
	from := beginning{seq: at.seq, newest: now.newest, recovered: whole}
	if p.InstallationID == nil {
		return from, nil
	}
	return from, s.move(ctx, v, readerOf(v, p), from)
}

// move sets the position where the client says it is.
func (s *Service) move(ctx context.Context, v viewer.Viewer, of reader, to beginning) error {
	return s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		found, err := s.lookUp(ctx, tx, of)
		if err != nil {
			return err
		}
		found.seq, found.gap = to.seq, !to.recovered
		return s.put(ctx, tx, v, of, found)
	})
}

// resume begins where the installation's position is. One that has none begins
// now. One that lost events to the time they are kept is told so once, and goes
// on from now the next time: it may be a client that can't ask otherwise.
// Errors: CursorExpired.
func (s *Service) resume(ctx context.Context, v viewer.Viewer, of reader) (from beginning, err error) {
	found, err := s.find(ctx, s.store.Read(), of)
	if err != nil {
		return beginning{}, err
	}
	if s.settled(found, v) {
		return found.beginning(), nil
	}
	err = s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if found, err = s.lookUp(ctx, tx, of); err != nil {
			return err
		}
		from = found.beginning()
		if !found.exists || found.lost || !found.missed {
			found.seq = found.newest
		}
		from.seq, found.gap = found.seq, found.gap || found.lost
		return s.put(ctx, tx, v, of, found)
	})
	if err == nil && found.lost {
		return beginning{}, apperr.CursorExpired.WithField("installationId")
	}
	return from, err
}

// position is a row of the installation, and how the account's feed stands to it.
type position struct {
	standing
	exists  bool
	seq     int64
	gap     bool
	session int
	updated time.Time
	missed  bool // there are events after it
	lost    bool // some of them are not kept any more
}

func (p position) beginning() beginning {
	if !p.exists {
		return beginning{seq: p.newest, newest: p.newest}
	}
	return beginning{seq: p.seq, newest: p.newest, recovered: !p.gap}
}

// settled reports whether nothing of the row has to change.
func (s *Service) settled(p position, v viewer.Viewer) bool {
	uptodate := p.missed || p.seq == p.newest
	return p.exists && !p.lost && uptodate && p.session == v.SessionID && s.clock().Sub(p.updated) < renewAfter
}

// lookUp is find within a write that has the account to itself. A child that has
// gone meanwhile has no feed.
func (s *Service) lookUp(ctx context.Context, tx *store.Tx, of reader) (position, error) {
	if err := tx.Lock(ctx, user.Table, of.rootUserID); err != nil {
		return position{}, err
	}
	if of.childUserID != 0 {
		is, err := tx.ChildUser.Query().Where(childuser.ID(of.childUserID)).Exist(ctx)
		if err != nil {
			return position{}, fmt.Errorf("find the child: %w", err)
		}
		if !is {
			return position{}, apperr.RealUserNotFound.New()
		}
	}
	return s.find(ctx, tx.Client, of)
}

// find reads the row before it reads how the feed stands, which only grows.
func (s *Service) find(ctx context.Context, from *ent.Client, of reader) (p position, err error) {
	row, err := from.FeedPosition.Query().Where(of.is()).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return p, fmt.Errorf("read a position: %w", err)
	}
	if p.standing, err = s.stand(ctx, from, of.rootUserID); err != nil || row == nil {
		return p, err
	}
	p.exists, p.seq, p.gap, p.updated = true, row.Seq, row.HasGap, row.UpdatedAt
	if row.SessionID != nil {
		p.session = *row.SessionID
	}
	next, err := s.firstAfter(ctx, from, of, row.Seq)
	if err != nil {
		return p, err
	}
	if next != nil {
		p.missed = true
		p.lost = s.clock().Sub(next.OccurredAt) > Kept
	}
	p.lost = p.lost || p.seq < p.floor || p.seq > p.newest
	return p, nil
}

func (s *Service) firstAfter(ctx context.Context, from *ent.Client, of reader, seq int64) (*ent.DevlogEvent, error) {
	query := from.DevlogEvent.Query().
		Where(devlogevent.RootUserID(of.rootUserID), devlogevent.SeqGT(seq)).
		Order(ent.Asc(devlogevent.FieldSeq))
	if of.childUserID != 0 {
		query.Where(devlogevent.ChildUserID(of.childUserID))
	}
	next, err := query.First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil //nolint:nilnil // nothing was missed
	}
	return next, err
}

// put writes the position as it shall be.
func (s *Service) put(ctx context.Context, tx *store.Tx, v viewer.Viewer, of reader, p position) error {
	var session *int
	if v.SessionID != 0 {
		session = &v.SessionID
	}
	if p.exists {
		change := tx.FeedPosition.Update().Where(of.is()).SetSeq(p.seq).SetHasGap(p.gap).SetUpdatedAt(s.clock())
		if session == nil {
			change.ClearSessionID()
		}
		return change.SetNillableSessionID(session).Exec(ctx)
	}
	made := tx.FeedPosition.Create().SetRootUserID(of.rootUserID).SetInstallationID(of.installationID).
		SetSeq(p.seq).SetHasGap(p.gap).SetNillableSessionID(session).SetUpdatedAt(s.clock())
	if of.childUserID != 0 {
		made.SetChildUserID(of.childUserID)
	}
	if err := made.Exec(ctx); err != nil {
		return fmt.Errorf("store a position: %w", err)
	}
	return dropOldest(ctx, tx, of.rootUserID)
}

// dropOldest keeps an app that invents a new installation each time from filling
// the table.
func dropOldest(ctx context.Context, tx *store.Tx, rootUserID int) error {
	ids, err := tx.FeedPosition.Query().Where(feedposition.RootUserID(rootUserID)).
		Order(ent.Desc(feedposition.FieldUpdatedAt, feedposition.FieldID)).Offset(maxPositions).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = tx.FeedPosition.Delete().Where(feedposition.IDIn(ids...)).Exec(ctx)
	return err
}

// standing is how far an account's feed goes, at both ends.
type standing struct {
	newest int64 // the number of the last event, 0 if there was none
	floor  int64 // the number of the last event that was pruned
}

func (s *Service) stand(ctx context.Context, from *ent.Client, rootUserID int) (standing, error) {
	account, err := from.User.Query().Where(user.ID(rootUserID)).
		Select(user.FieldEventSeq, user.FieldEventFloor).Only(ctx)
	if err != nil {
		return standing{}, fmt.Errorf("read event numbers: %w", err)
	}
	return standing{account.EventSeq, account.EventFloor}, nil
}
