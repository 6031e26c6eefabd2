package devlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"luxbff/ent"
	"luxbff/ent/column"
	"luxbff/ent/devlog"
	"luxbff/internal/apperr"
	"luxbff/internal/paging"
)

// changeKind tells the cursors of changes from those of the history.
const changeKind = "change"

// place is where a log stands among the changes of its account. One upload may change many
// logs, which then follow each other by their ids.
type place struct {
	seq int64
	id  int
}

func placeOf(l *ent.Devlog) place { return place{l.ChangeSeq, l.ID} }

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.seq, other.seq), cmp.Compare(p.id, other.id))
}

func (p place) cursor() string { return paging.Cursor(changeKind, int(p.seq), p.id) }

// changes returns a page of what has changed in the history of each of the children. A
// change moves its log behind all others, so that a phone which reads on from its last
// cursor sees each change, or a later one of the same log, however long it was away. It
// costs one statement for any number of children, and one more as [Service.Histories].
//
// No change is committed in front of one that was read: the number of a change is taken
// under the lock of the account's row, which is kept until it is committed.
//
// A cursor names a log of the child with a change that it has had. Any other is refused: one
// of another child, or of a database that was restored to an earlier day since, would pass
// over what is new.
//
// Errors: BadRequest (page arguments), CursorNotValid (no cursor of any child; of a page, none
// of its own).
func (s *Service) changes(ctx context.Context, of []*ent.ChildUser, p PageParams) ([]Page, error) {
	if p.After != nil || p.Before != nil || p.Last != nil {
		return nil, apperr.BadRequest.WithField("updatedAfter")
	}
	w, err := p.window()
	if err != nil {
		return nil, err
	}
	var after place
	if *p.UpdatedAfter != "" {
		seq, id, err := paging.ParsePair(changeKind, "updatedAfter", *p.UpdatedAfter)
		if err != nil {
			return nil, err
		}
		after = place{int64(seq), id}
	}
	logs := make(map[int][]*ent.Devlog, len(of))
	for together := range slices.Chunk(of, maxTogether/3) { // there are three selects for each
		args := append(make([]any, 0, 3+len(together)), w.size+1, after.seq, after.id)
		if err := s.scanByChild(ctx, together, queryChanges(len(together)), args, logs); err != nil {
			return nil, fmt.Errorf("read changes of devlogs: %w", err)
		}
	}
	pages, places := make([]Page, len(of)), make([][]place, len(of))
	for i, c := range of {
		read := logs[c.ID]
		if after.id != 0 && !slices.ContainsFunc(read, func(l *ent.Devlog) bool { return l.ID == after.id }) {
			pages[i].Err = apperr.CursorNotValid.WithField("updatedAfter")
			continue
		}
		slices.SortFunc(read, func(a, b *ent.Devlog) int { return placeOf(a).compare(placeOf(b)) })
		read = slices.CompactFunc(read, func(a, b *ent.Devlog) bool { return a.ID == b.ID })
		read = slices.DeleteFunc(read, func(l *ent.Devlog) bool { return placeOf(l) == after })
		pages[i] = Page{Devlogs: read[:min(len(read), w.size)], HasNext: len(read) > w.size}
		for _, l := range pages[i].Devlogs {
			places[i] = append(places[i], placeOf(l))
		}
	}
	if err := s.setEdges(ctx, of, pages); err != nil {
		return nil, err
	}
	// An answer shows one state of a log, which may be an older one that something else in
	// it has read before. The cursor stays in front of what is not shown then.
	for i := range pages {
		for j, l := range pages[i].Devlogs {
			at := places[i][j]
			if shown := placeOf(l); shown.compare(at) < 0 {
				at = shown
			}
			pages[i].Cursors = append(pages[i].Cursors, at.cursor())
		}
	}
	return pages, nil
}

// queryChanges reads what stands behind the change $2 of the log $3 in the history of each of
// n children: at most $1 more logs of that change, as many of later ones, and the log itself,
// unless it never had that change. The ids of the children are the last arguments. What
// window.query does to be read by the index of a child stands here too: a select for each, an
// id that stands twice, an order that begins with the child, and a limit inside that is no
// argument.
//
// One select for the first two, of what is greater than the pair, would be shorter. But
// PostgreSQL judges a pair by its first number alone: where most logs are of one change, as
// all are that are older than the numbers, it expects few behind it, and sorts them all for
// each page.
func queryChanges(n int) string {
	columns, values := column.List("l", devlog.Columns), column.Values("c", devlog.Columns)
	inOrder := " ORDER BY l.child_user_id, l.change_seq, l.id LIMIT " + strconv.Itoa(maxPageSize+1) + ") p LIMIT $1) c"
	selects := make([]string, 0, 3*n)
	for i := range n {
		id := "$" + strconv.Itoa(4+i)
		ofChild := "SELECT " + values + " FROM (SELECT * FROM (SELECT " + columns + " FROM devlogs l" +
			" WHERE l.child_user_id IN (" + id + ", " + id + ")"
		selects = append(selects,
			ofChild+" AND l.change_seq = $2 AND l.id > $3"+inOrder,
			ofChild+" AND l.change_seq > $2"+inOrder,
			"SELECT "+column.Values("l", devlog.Columns)+" FROM devlogs l WHERE l.id = $3 AND l.child_user_id = "+id+" AND l.change_seq >= $2")
	}
	return strings.Join(selects, " UNION ALL ")
}
