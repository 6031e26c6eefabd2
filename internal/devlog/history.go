package devlog

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entgo.io/ent/dialect/sql"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlog"
	"luxbff/ent/predicate"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
)

// defaultPageSize is how many logs a page holds when the client names no number;
// maxPageSize, how many it may ask for.
const (
	defaultPageSize = 20
	maxPageSize     = 100
)

// PageParams are the arguments of a Relay connection. First reads from newer to
// older logs, Last the other way; at most one of them may be given.
type PageParams struct {
	First  *int
	After  *string
	Last   *int
	Before *string
}

// Page is one page of a child's history, newest upload first. HasNext reports that
// there are logs older than those of the page, HasPrevious that there are newer ones,
// whichever way the page was read.
type Page struct {
	Devlogs     []*ent.Devlog
	HasNext     bool
	HasPrevious bool
}

// History returns a page of the logs of a child, which the caller has loaded for the
// viewer: whose it is isn't checked again. It costs one statement, and up to two more
// where the page holds logs of another device than the child's present one. A cursor that
// names no log of the child may cost two more.
//
// Logs are in the order of upload, which is that of their ids, not by treatment date:
// the date of a temporary log changes with each update, so a cursor by date would
// skip or repeat logs.
//
// Errors: BadRequest (page arguments), CursorNotValid.
func (s *Service) History(ctx context.Context, of *ent.ChildUser, p PageParams) (Page, error) {
	w, err := p.window()
	if err != nil {
		return Page{}, err
	}
	page, err := s.read(ctx, of, w)
	if err != nil {
		return Page{}, fmt.Errorf("read devlogs: %w", err)
	}
	return page, s.setEdges(ctx, of, page.Devlogs)
}

// read reads the logs of a window and what lies on either side of it. The logs that the
// cursors name are read too, and one log more than asked for: so the one statement shows
// nearly always what is behind the page, where it begins, and what is ahead of it.
func (s *Service) read(ctx context.Context, of *ent.ChildUser, w window) (Page, error) {
	query := s.store.Read().Devlog.Query().Where(devlog.ChildUserID(of.ID)).Limit(w.size + 2)
	if w.begin != 0 {
		query.Where(w.notBefore(w.begin))
	}
	if w.end != 0 {
		query.Where(w.notAfter(w.end))
	}
	logs, err := query.Order(w.order()).All(ctx)
	if err != nil {
		return Page{}, err
	}
	behind, ahead := false, false
	if len(logs) > 0 && logs[0].ID == w.begin {
		logs, behind = logs[1:], true
	}
	if n := len(logs); n > 0 && logs[n-1].ID == w.end {
		logs, ahead = logs[:n-1], true
	}
	if len(logs) > w.size {
		logs, ahead = logs[:w.size], true
	}
	if w.begin != 0 && !behind {
		if behind, err = s.exists(ctx, of, w.notAfter(w.begin)); err != nil {
			return Page{}, err
		}
	}
	if w.end != 0 && !ahead {
		if ahead, err = s.exists(ctx, of, w.after(logs)...); err != nil {
			return Page{}, err
		}
	}
	return w.page(logs, behind, ahead), nil
}

// exists reports whether the child has a log that meets the conditions.
func (s *Service) exists(ctx context.Context, of *ent.ChildUser, where ...predicate.Devlog) (bool, error) {
	return s.store.Read().Devlog.Query().Where(devlog.ChildUserID(of.ID)).Where(where...).Exist(ctx)
}

// setEdges attaches child and device to logs of one child. Devices that the child has
// not are read, all of them together with the sisters that have them now, and shown by
// [child.VisibleDevice]. Logs that the child has come with already, and their devices, are
// shown as they came: one answer has one state of each.
func (s *Service) setEdges(ctx context.Context, of *ent.ChildUser, logs []*ent.Devlog) error {
	devices := map[int]*ent.Device{}
	for _, l := range of.Edges.Devlogs {
		devices[l.DeviceID] = l.Edges.Device
	}
	if d := of.Edges.Device; d != nil {
		devices[d.ID] = d
	}
	var otherIDs []int
	for _, l := range logs {
		if devices[l.DeviceID] == nil && !slices.Contains(otherIDs, l.DeviceID) {
			otherIDs = append(otherIDs, l.DeviceID)
		}
	}
	if len(otherIDs) > 0 {
		others, err := s.store.Read().Device.Query().Where(device.IDIn(otherIDs...)).WithChildUser().All(ctx)
		if err != nil {
			return fmt.Errorf("read devices: %w", err)
		}
		for _, d := range others {
			devices[d.ID] = child.VisibleDevice(d, of.RootUserID)
		}
	}
	for i, l := range logs {
		if known := slices.IndexFunc(of.Edges.Devlogs, func(k *ent.Devlog) bool { return k.ID == l.ID }); known >= 0 {
			logs[i] = of.Edges.Devlogs[known]
			continue
		}
		l.Edges.ChildUser, l.Edges.Device = of, devices[l.DeviceID]
	}
	return nil
}

// window is a checked PageParams: which logs to read, and how many. They are read from
// begin to end, the exclusive ids that the cursors name, 0 for none.
type window struct {
	size       int
	backwards  bool // from older to newer logs
	begin, end int
}

func (p PageParams) window() (window, error) {
	if p.First != nil && p.Last != nil {
		return window{}, apperr.BadRequest.WithField("last")
	}
	w := window{size: defaultPageSize, backwards: p.Last != nil}
	for field, size := range map[string]*int{"first": p.First, "last": p.Last} {
		switch {
		case size == nil:
		case *size < 0 || *size > maxPageSize:
			return window{}, apperr.BadRequest.WithField(field)
		default:
			w.size = *size
		}
	}
	after, err := parseCursor("after", p.After)
	if err != nil {
		return window{}, err
	}
	before, err := parseCursor("before", p.Before)
	w.begin, w.end = after, before
	if w.backwards {
		w.begin, w.end = before, after
	}
	return w, err
}

// order is the one in which the window is read.
func (w window) order() devlog.OrderOption {
	if w.backwards {
		return devlog.ByID()
	}
	return devlog.ByID(sql.OrderDesc())
}

// notBefore selects the log of the id and those that are read after it.
func (w window) notBefore(id int) predicate.Devlog {
	if w.backwards {
		return devlog.IDGTE(id)
	}
	return devlog.IDLTE(id)
}

// notAfter selects the log of the id and those that are read before it.
func (w window) notAfter(id int) predicate.Devlog {
	if w.backwards {
		return devlog.IDLTE(id)
	}
	return devlog.IDGTE(id)
}

// after selects what is read after the logs of the page; where the page has none, what
// is read from its beginning on.
func (w window) after(logs []*ent.Devlog) []predicate.Devlog {
	last := w.begin
	if n := len(logs); n > 0 {
		last = logs[n-1].ID
	}
	switch {
	case last == 0:
		return nil
	case w.backwards:
		return []predicate.Devlog{devlog.IDGT(last)}
	}
	return []predicate.Devlog{devlog.IDLT(last)}
}

// page makes a page of the logs in the order in which they were read.
func (w window) page(logs []*ent.Devlog, behind, ahead bool) Page {
	if w.backwards {
		slices.Reverse(logs)
		return Page{Devlogs: logs, HasNext: behind, HasPrevious: ahead}
	}
	return Page{Devlogs: logs, HasNext: ahead, HasPrevious: behind}
}

const cursorPrefix = "devlog:"

// Cursor names a log's place in its child's history, which stays the same when the
// log changes. It is not a cursor of the feed.
func Cursor(l *ent.Devlog) string { return encodeCursor(l.ID) }

func encodeCursor(id int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + strconv.Itoa(id)))
}

// parseCursor returns the id of the log, 0 for no cursor. It refuses whatever Cursor
// did not write with CursorNotValid, under the name of the argument.
func parseCursor(argument string, cursor *string) (id int, err error) {
	if cursor == nil {
		return 0, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(*cursor)
	digits, _ := strings.CutPrefix(string(decoded), cursorPrefix)
	id, notANumber := strconv.Atoi(digits)
	if err != nil || notANumber != nil || id < 1 || encodeCursor(id) != *cursor {
		return 0, apperr.CursorNotValid.WithField(argument)
	}
	return id, nil
}
