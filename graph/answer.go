package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"luxbff/ent"
	"luxbff/internal/account"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/message/history"
)

// answer is what an operation has read so far and no edge of an entity can hold, so that
// what is asked for on many paths, or below each element of a list, is read once and is the
// same on all of them. Resolvers run one after the other, so nothing guards it.
type answer struct {
	pages    map[pageKey]devlog.Page
	names    map[*ent.User]account.SignInNames
	messages map[messagePageKey]history.Page
}

// answerOf gives what the operation has read. A subscription forgets it now and then: it
// goes on for days, and each event asks anew.
func answerOf(ctx context.Context) *answer {
	const (
		extension = "Answer"
		maxPages  = 16 // of a subscription
	)
	operation := graphql.GetOperationContext(ctx)
	a, isThere := operation.Stats.GetExtension(extension).(*answer)
	if !isThere || operation.Operation.Operation == ast.Subscription && len(a.pages) > maxPages {
		a = &answer{
			pages: map[pageKey]devlog.Page{}, names: map[*ent.User]account.SignInNames{}, messages: map[messagePageKey]history.Page{},
		}
		operation.Stats.SetExtension(extension, a)
	}
	return a
}

// signInNames gives the names by which an account signs in besides its e-mail, read once
// for each row of the account.
func (r *Resolver) signInNames(ctx context.Context, of *ent.User) (account.SignInNames, error) {
	a := answerOf(ctx)
	names, isRead := a.names[of]
	if isRead {
		return names, nil
	}
	names, err := r.accounts.Credentials.SignInNames(ctx, of)
	if err == nil {
		a.names[of] = names
	}
	return names, err
}

// pageKey names a page. The child is its object and not its id: what one mutation of a
// document or one event shows is not shown for the next.
type pageKey struct {
	of            *ent.ChildUser
	first, last   argument[int]
	after, before argument[string]
	updatedAfter  argument[string]
}

// argument is a value that was given or was not. No value may stand for an absent one,
// because a client may send it: -1 for a number of logs is refused, none is 20.
type argument[T comparable] struct {
	value   T
	isGiven bool
}

func argumentOf[T comparable](given *T) (a argument[T]) {
	if given != nil {
		a = argument[T]{*given, true}
	}
	return a
}

func newPageKey(of *ent.ChildUser, p devlog.PageParams) pageKey {
	return pageKey{
		of: of, first: argumentOf(p.First), last: argumentOf(p.Last), after: argumentOf(p.After), before: argumentOf(p.Before),
		updatedAfter: argumentOf(p.UpdatedAfter),
	}
}

// history gives a page of a child's logs. Below a list it reads the page of each child
// that was read with this one: they are in the list and are asked for theirs next.
func (r *Resolver) history(ctx context.Context, of *ent.ChildUser, p devlog.PageParams) (devlog.Page, error) {
	a := answerOf(ctx)
	if page, isRead := a.pages[newPageKey(of, p)]; isRead {
		return page, page.Err
	}
	unread := []*ent.ChildUser{of}
	if isInList(ctx) {
		unread = slices.DeleteFunc(slices.Clone(child.Family(of)), func(c *ent.ChildUser) bool {
			_, isRead := a.pages[newPageKey(c, p)]
			return isRead
		})
	}
	pages, err := r.devlogs.Histories(ctx, unread, p)
	if err != nil {
		return devlog.Page{}, err
	}
	for i, c := range unread {
		a.pages[newPageKey(c, p)] = pages[i]
	}
	page := a.pages[newPageKey(of, p)]
	return page, page.Err
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
	if len(logs) == 0 { // all were rejected
		return
	}
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
