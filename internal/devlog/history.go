package devlog

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"luxbff/ent"
	"luxbff/ent/device"
	"luxbff/ent/devlog"
	"luxbff/internal/apperr"
	"luxbff/internal/child"
)

// The size of a page of history: what is given when nothing is asked, and the
// most that is.
const (
	defaultPage = 20
	maxPage     = 100
)

// PageParams are the arguments of a Relay connection. First reads from newer to
// older logs, Last the other way.
type PageParams struct {
	First  *int
	After  *string
	Last   *int
	Before *string
}

// Page is one page of a child's history, newest upload first.
type Page struct {
	Devlogs     []*ent.Devlog
	HasNext     bool
	HasPrevious bool
}

// History gives a page of the logs of a child that the viewer was given
// already. A log's place is its id, so it stays where it is when it changes.
// Errors: BadRequest (page arguments), CursorNotValid.
func (s *Service) History(ctx context.Context, of *ent.ChildUser, p PageParams) (Page, error) {
	window, err := p.window()
	if err != nil {
		return Page{}, err
	}
	query := s.store.Read().Devlog.Query().Where(devlog.ChildUserID(of.ID)).Limit(window.size + 1)
	if window.olderThan != 0 {
		query.Where(devlog.IDLT(window.olderThan))
	}
	if window.newerThan != 0 {
		query.Where(devlog.IDGT(window.newerThan))
	}
	if window.backwards {
		query.Order(ent.Asc(devlog.FieldID))
	} else {
		query.Order(ent.Desc(devlog.FieldID))
	}
	logs, err := query.All(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("read devlogs: %w", err)
	}
	return window.page(logs), s.complete(ctx, of, logs)
}

// complete attaches child and device to logs of one child, in at most one
// statement.
func (s *Service) complete(ctx context.Context, of *ent.ChildUser, logs []*ent.Devlog) error {
	devices := map[int]*ent.Device{}
	if d := of.Edges.Device; d != nil {
		devices[d.ID] = d
	}
	var moved []int
	for _, l := range logs {
		if devices[l.DeviceID] == nil && !slices.Contains(moved, l.DeviceID) {
			moved = append(moved, l.DeviceID)
		}
	}
	if len(moved) > 0 {
		found, err := s.store.Read().Device.Query().Where(device.IDIn(moved...)).All(ctx)
		if err != nil {
			return fmt.Errorf("read devices: %w", err)
		}
		for _, d := range found {
			devices[d.ID] = child.Moved(d, of.RootUserID)
		}
	}
	for _, l := range logs {
		l.Edges.ChildUser, l.Edges.Device = of, devices[l.DeviceID]
	}
	return nil
}

// window is a checked PageParams. The ids are exclusive, 0 is none.
type window struct {
	size                 int
	backwards            bool
	olderThan, newerThan int
}

func (p PageParams) window() (window, error) {
	if p.First != nil && p.Last != nil {
		return window{}, apperr.BadRequest.WithField("last")
	}
	w := window{size: defaultPage, backwards: p.Last != nil}
	for field, asked := range map[string]*int{"first": p.First, "last": p.Last} {
		switch {
		case asked == nil:
		case *asked < 0 || *asked > maxPage:
			return window{}, apperr.BadRequest.WithField(field)
		default:
			w.size = *asked
		}
	}
	var err error
	if w.olderThan, err = place("after", p.After); err != nil {
		return window{}, err
	}
	w.newerThan, err = place("before", p.Before)
	return w, err
}

// page cuts off the log that was read only to learn whether more follow.
func (w window) page(logs []*ent.Devlog) Page {
	more := len(logs) > w.size
	if more {
		logs = logs[:w.size]
	}
	if w.backwards {
		slices.Reverse(logs)
		return Page{Devlogs: logs, HasNext: w.newerThan != 0, HasPrevious: more}
	}
	return Page{Devlogs: logs, HasNext: more, HasPrevious: w.olderThan != 0}
}

const placePrefix = "devlog:"

// Place is the cursor of a log in its child's history.
func Place(l *ent.Devlog) string { return placeOf(l.ID) }

func placeOf(id int) string {
	return base64.RawURLEncoding.EncodeToString([]byte(placePrefix + strconv.Itoa(id)))
}

// place refuses whatever Place did not write.
func place(field string, cursor *string) (int, error) {
	if cursor == nil {
		return 0, nil
	}
	decoded, err := base64.RawURLEncoding.DecodeString(*cursor)
	digits, _ := strings.CutPrefix(string(decoded), placePrefix)
	id, notANumber := strconv.Atoi(digits)
	if err != nil || notANumber != nil || id < 1 || placeOf(id) != *cursor {
		return 0, apperr.CursorNotValid.WithField(field)
	}
	return id, nil
}
