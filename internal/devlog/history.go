package devlog

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"luxbff/ent"
	"luxbff/ent/column"
	"luxbff/ent/device"
	"luxbff/ent/devlog"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
	"luxbff/internal/paging"
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

// Histories returns a page of the logs of each of the children, which the caller has
// loaded for the viewer: whose they are isn't checked again. It costs one statement for
// any number of children, and up to two more where pages hold logs of other devices than
// the children have. Cursors that name no log of a child may cost two more.
//
// Logs are in the order of upload, which is that of their ids, not by treatment date:
// the date of a temporary log changes with each update, so a cursor by date would
// skip or repeat logs.
//
// Errors: BadRequest (page arguments), CursorNotValid.
func (s *Service) Histories(ctx context.Context, of []*ent.ChildUser, p PageParams) ([]Page, error) {
	w, err := p.window()
	if err != nil {
		return nil, err
	}
	logs, err := s.read(ctx, of, w)
	if err != nil {
		return nil, fmt.Errorf("read devlogs: %w", err)
	}
	pages, err := s.pages(ctx, of, w, logs)
	if err != nil {
		return nil, fmt.Errorf("look for devlogs beside a page: %w", err)
	}
	return pages, s.setEdges(ctx, of, pages)
}

// maxTogether is the most children that one statement reads a page of. SQLite takes 500
// selects in one.
const maxTogether = 400

// read reads the logs of the window of each child, by child. The logs that the cursors
// name are read too, and one log more than asked for: so the one statement shows nearly
// always what is behind the page, where it begins, and what is ahead of it.
func (s *Service) read(ctx context.Context, of []*ent.ChildUser, w window) (map[int][]*ent.Devlog, error) {
	logs := make(map[int][]*ent.Devlog, len(of))
	for together := range slices.Chunk(of, maxTogether) {
		if err := s.readTogether(ctx, together, w, logs); err != nil {
			return nil, err
		}
	}
	return logs, nil
}

func (s *Service) readTogether(ctx context.Context, of []*ent.ChildUser, w window, logs map[int][]*ent.Devlog) error {
	newest, oldest := w.ids()
	args := []any{newest, oldest, w.size + 2}
	for _, c := range of {
		args = append(args, c.ID)
	}
	rows, err := s.store.Query(ctx, w.query(len(of)), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	targets := make([]any, 0, len(devlog.Columns))
	for rows.Next() {
		l := &ent.Devlog{}
		if err := rows.Scan(l.AppendTargets(targets, devlog.Columns)...); err != nil {
			return err
		}
		logs[l.ChildUserID] = append(logs[l.ChildUserID], l)
	}
	return rows.Err()
}

// query reads the window of n children, whose ids are the arguments from $4 on. It is
// written by hand because ent has no limit for each child, and one select for each is
// what both engines read by the index of child and id.
func (w window) query(n int) string {
	order := "DESC"
	if w.backwards {
		order = "ASC"
	}
	selects := make([]string, n)
	for i := range selects {
		selects[i] = "SELECT * FROM (SELECT " + column.List("l", devlog.Columns) + " FROM devlogs l" +
			" WHERE l.child_user_id = $" + strconv.Itoa(4+i) + " AND l.id <= $1 AND l.id >= $2" +
			" ORDER BY l.id " + order + " LIMIT $3) p"
	}
	return strings.Join(selects, " UNION ALL ") + " ORDER BY child_user_id, id " + order
}

// pages makes a page of what was read of each child. Where a cursor names no log of the
// child, what is on the other side of it was not read, and is asked for here.
func (s *Service) pages(
	ctx context.Context, of []*ent.ChildUser, w window, logs map[int][]*ent.Devlog,
) ([]Page, error) {
	found := make([]sides, len(of))
	var unknownBehind, unknownAhead []*ent.ChildUser
	for i, c := range of {
		found[i] = w.cut(logs[c.ID])
		if w.begin != 0 && !found[i].behind {
			unknownBehind = append(unknownBehind, c)
		}
		if w.end != 0 && !found[i].ahead {
			unknownAhead = append(unknownAhead, c)
		}
	}
	behind, err := s.withLogs(ctx, unknownBehind, !w.backwards, w.begin)
	if err != nil {
		return nil, err
	}
	ahead, err := s.withLogs(ctx, unknownAhead, w.backwards, w.beyondEnd())
	if err != nil {
		return nil, err
	}
	pages := make([]Page, len(of))
	for i, c := range of {
		pages[i] = w.page(found[i].logs, found[i].behind || behind[c.ID], found[i].ahead || ahead[c.ID])
	}
	return pages, nil
}

// withLogs finds those of the children that have a log with the id or a newer one, or
// else with the id or an older one.
func (s *Service) withLogs(ctx context.Context, of []*ent.ChildUser, newer bool, id int) (map[int]bool, error) {
	if len(of) == 0 {
		return nil, nil
	}
	query := "SELECT ids.id FROM ids WHERE (SELECT max(l.id) FROM devlogs l WHERE l.child_user_id = ids.id) >= $2"
	if !newer {
		query = "SELECT ids.id FROM ids WHERE (SELECT min(l.id) FROM devlogs l WHERE l.child_user_id = ids.id) <= $2"
	}
	rows, err := s.store.QueryWithIDs(ctx, childIDs(of), query, id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	found := map[int]bool{}
	for rows.Next() {
		var childID int
		if err := rows.Scan(&childID); err != nil {
			return nil, err
		}
		found[childID] = true
	}
	return found, rows.Err()
}

func childIDs(of []*ent.ChildUser) []int {
	ids := make([]int, len(of))
	for i, c := range of {
		ids[i] = c.ID
	}
	return ids
}

// setEdges attaches child and device to the logs, and the logs to their children. A log
// that its child has already, from another page, an event or an upload, is shown as it
// is there: one answer has one state of it.
func (s *Service) setEdges(ctx context.Context, of []*ent.ChildUser, pages []Page) error {
	devices := knownDevices(of)
	if err := s.readOtherDevices(ctx, of, pages, devices); err != nil {
		return err
	}
	for i, c := range of {
		known := make(map[int]*ent.Devlog, len(c.Edges.Devlogs))
		for _, l := range c.Edges.Devlogs {
			known[l.ID] = l
		}
		for j, l := range pages[i].Devlogs {
			if known[l.ID] != nil {
				pages[i].Devlogs[j] = known[l.ID]
				continue
			}
			l.Edges.ChildUser, l.Edges.Device = c, devices[l.DeviceID]
			c.Edges.Devlogs = append(c.Edges.Devlogs, l)
		}
	}
	return nil
}

// knownDevices are those that the children and their sisters have, or their logs.
func knownDevices(of []*ent.ChildUser) map[int]*ent.Device {
	devices := map[int]*ent.Device{}
	family := child.Family(of[0])
	for _, c := range family {
		for _, l := range c.Edges.Devlogs {
			devices[l.DeviceID] = l.Edges.Device
		}
	}
	for _, c := range family {
		if d := c.Edges.Device; d != nil {
			devices[d.ID] = d
		}
	}
	return devices
}

// readOtherDevices adds to devices those of the logs that are missing there. All are read
// together, with the children that have them now, which are a family of their own: they
// were not read with the others. A device that one of the others has now got it after
// they were read, and is shown as one that nobody has.
func (s *Service) readOtherDevices(
	ctx context.Context, of []*ent.ChildUser, pages []Page, devices map[int]*ent.Device,
) error {
	var ids []int
	for _, page := range pages {
		for _, l := range page.Devlogs {
			if devices[l.DeviceID] == nil && !slices.Contains(ids, l.DeviceID) {
				ids = append(ids, l.DeviceID)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	others, err := s.store.Read().Device.Query().Where(device.IDIn(ids...)).WithChildUser().All(ctx)
	if err != nil {
		return fmt.Errorf("read devices: %w", err)
	}
	read := childIDs(child.Family(of[0]))
	var sisters []*ent.ChildUser
	for _, d := range others {
		if d.ChildUserID != nil && slices.Contains(read, *d.ChildUserID) {
			devices[d.ID] = child.CatalogueFacts(d)
			continue
		}
		devices[d.ID] = child.VisibleDevice(d, of[0].RootUserID)
		if sister := devices[d.ID].Edges.ChildUser; sister != nil {
			sisters = append(sisters, sister)
		}
	}
	child.MakeFamily(&ent.User{ID: of[0].RootUserID}, sisters)
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
	after, err := paging.ParseCursor(cursorKind, "after", p.After)
	if err != nil {
		return window{}, err
	}
	before, err := paging.ParseCursor(cursorKind, "before", p.Before)
	w.begin, w.end = after, before
	if w.backwards {
		w.begin, w.end = before, after
	}
	return w, err
}

// sides are the logs of a page, in the order in which they were read, and whether others
// were read behind and ahead of them.
type sides struct {
	logs          []*ent.Devlog
	behind, ahead bool
}

// ids are the newest and the oldest id that the window may hold.
func (w window) ids() (newest, oldest int) {
	if w.backwards {
		return cmp.Or(w.end, math.MaxInt64), w.begin
	}
	return cmp.Or(w.begin, math.MaxInt64), w.end
}

// cut takes off what was read besides the logs of the page.
func (w window) cut(logs []*ent.Devlog) (found sides) {
	if len(logs) > 0 && logs[0].ID == w.begin {
		logs, found.behind = logs[1:], true
	}
	if n := len(logs); n > 0 && logs[n-1].ID == w.end {
		logs, found.ahead = logs[:n-1], true
	}
	if len(logs) > w.size {
		logs, found.ahead = logs[:w.size], true
	}
	found.logs = logs
	return found
}

// beyondEnd is the first id that is read after the whole window, which is empty where
// its end comes before its beginning.
func (w window) beyondEnd() int {
	switch {
	case w.backwards:
		return max(w.begin, w.end) + 1
	case w.begin == 0:
		return w.end - 1
	}
	return min(w.begin, w.end) - 1
}

// page makes a page of the logs in the order in which they were read.
func (w window) page(logs []*ent.Devlog, behind, ahead bool) Page {
	if w.backwards {
		slices.Reverse(logs)
		return Page{Devlogs: logs, HasNext: behind, HasPrevious: ahead}
	}
	return Page{Devlogs: logs, HasNext: ahead, HasPrevious: behind}
}

// cursorKind tells the cursors of logs from those of other connections.
const cursorKind = "devlog"

// Cursor names a log's place in its child's history, which stays the same when the
// log changes. It is not a cursor of the feed.
func Cursor(l *ent.Devlog) string { return paging.Cursor(cursorKind, l.ID) }
