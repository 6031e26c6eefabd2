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
// there are older logs, HasPrevious that there are newer ones. For the direction that
// wasn't read it is answered without a statement, as the Relay specification allows:
// whether the client gave a cursor there.
type Page struct {
	Devlogs     []*ent.Devlog
	HasNext     bool
	HasPrevious bool
}

// History returns a page of the logs of a child, which the caller has loaded for the
// viewer: whose it is isn't checked again. It costs one statement, and one more where
// the page holds logs of another device than the child's present one.
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
	// One log more than asked for shows whether others follow.
	query := s.store.Read().Devlog.Query().Where(devlog.ChildUserID(of.ID)).Limit(w.size + 1)
	if w.olderThan != 0 {
		query.Where(devlog.IDLT(w.olderThan))
	}
	if w.newerThan != 0 {
		query.Where(devlog.IDGT(w.newerThan))
	}
	if w.backwards {
		query.Order(ent.Asc(devlog.FieldID))
	} else {
		query.Order(ent.Desc(devlog.FieldID))
	}
	logs, err := query.All(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("read devlogs: %w", err)
	}
	return w.page(logs), s.setEdges(ctx, of, logs)
}

// setEdges attaches child and device to logs of one child. A device that the child
// has no more is read, all of them in one statement, and shown by what the catalogue
// says of it, because its alias and number may be another child's by now.
func (s *Service) setEdges(ctx context.Context, of *ent.ChildUser, logs []*ent.Devlog) error {
	devices := map[int]*ent.Device{}
	if d := of.Edges.Device; d != nil {
		devices[d.ID] = d
	}
	var movedIDs []int
	for _, l := range logs {
		if devices[l.DeviceID] == nil && !slices.Contains(movedIDs, l.DeviceID) {
			movedIDs = append(movedIDs, l.DeviceID)
		}
	}
	if len(movedIDs) > 0 {
		moved, err := s.store.Read().Device.Query().Where(device.IDIn(movedIDs...)).All(ctx)
		if err != nil {
			return fmt.Errorf("read devices: %w", err)
		}
		for _, d := range moved {
			devices[d.ID] = child.FormerDevice(d, of.RootUserID)
		}
	}
	for _, l := range logs {
		l.Edges.ChildUser, l.Edges.Device = of, devices[l.DeviceID]
	}
	return nil
}

// window is a checked PageParams: which logs to read, and how many.
type window struct {
	size                 int
	backwards            bool // from older to newer logs
	olderThan, newerThan int  // exclusive ids, 0 for none
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
	var err error
	if w.olderThan, err = parseCursor("after", p.After); err != nil {
		return window{}, err
	}
	w.newerThan, err = parseCursor("before", p.Before)
	return w, err
}

// page makes a page of the logs that were read, which may be one more than fit.
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
