package graph

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/ent"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
)

// histories are the pages of logs that one operation has read, so that a page that is
// asked for on many paths, or below each element of a list, is read once.
type histories struct {
	mu    sync.Mutex
	pages map[pageKey]devlog.Page
}

// pageKey names a page. The child is its object and not its id: what one mutation of a
// document or one event shows is not shown for the next.
type pageKey struct {
	of            *ent.ChildUser
	first, last   int // -1 for none
	after, before string
}

func newPageKey(of *ent.ChildUser, p devlog.PageParams) pageKey {
	return pageKey{of: of, first: orNone(p.First), last: orNone(p.Last), after: orEmpty(p.After), before: orEmpty(p.Before)}
}

func orNone(number *int) int {
	if number == nil {
		return -1
	}
	return *number
}

// history gives a page of a child's logs. Below a list it reads the page of each child
// that was read with this one: they are in the list and are asked for theirs next.
func (r *Resolver) history(ctx context.Context, of *ent.ChildUser, p devlog.PageParams) (devlog.Page, error) {
	h := r.historiesOf(ctx)
	h.mu.Lock()
	defer h.mu.Unlock()
	if page, isRead := h.pages[newPageKey(of, p)]; isRead {
		return page, nil
	}
	unread := []*ent.ChildUser{of}
	if isInList(ctx) {
		unread = slices.DeleteFunc(slices.Clone(child.Family(of)), func(c *ent.ChildUser) bool {
			_, isRead := h.pages[newPageKey(c, p)]
			return isRead
		})
	}
	pages, err := r.devlogs.Histories(ctx, unread, p)
	if err != nil {
		return devlog.Page{}, err
	}
	for i, c := range unread {
		h.pages[newPageKey(c, p)] = pages[i]
	}
	return h.pages[newPageKey(of, p)], nil
}

// historiesOf gives the pages of the operation. Those of a subscription are forgotten
// now and then: it goes on for days, and each event asks anew.
func (r *Resolver) historiesOf(ctx context.Context) *histories {
	const (
		extension = "Histories"
		maxPages  = 16 // of a subscription
	)
	operation := graphql.GetOperationContext(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	h, isThere := operation.Stats.GetExtension(extension).(*histories)
	if !isThere || operation.Operation.Operation == ast.Subscription && len(h.pages) > maxPages {
		h = &histories{pages: map[pageKey]devlog.Page{}}
		operation.Stats.SetExtension(extension, h)
	}
	return h
}

// isInList reports whether the field that is resolved stands below a list.
func isInList(ctx context.Context) bool {
	for field := graphql.GetFieldContext(ctx); field != nil; field = field.Parent {
		if field.Index != nil {
			return true
		}
	}
	return false
}

// linkLogs links logs that came in one upload to their children, and these to each
// other, so that a history below them shows the logs as the upload left them.
func linkLogs(logs []*ent.Devlog) {
	var children []*ent.ChildUser
	linked := make(map[*ent.Devlog]bool, len(logs))
	for _, l := range logs {
		c := l.Edges.ChildUser
		if c.Edges.Devlogs == nil {
			children = append(children, c)
		}
		if !linked[l] {
			c.Edges.Devlogs = append(c.Edges.Devlogs, l)
			linked[l] = true
		}
	}
	child.MakeFamily(&ent.User{ID: logs[0].RootUserID}, children)
}
