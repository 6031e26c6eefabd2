package graph

import (
	"context"

	"luxbff/ent"
	"luxbff/graph/model"
	"luxbff/internal/message/history"
)

// messagePageKey names a page of messages. The account is its row and not its id, as the
// child of a [pageKey] is.
type messagePageKey struct {
	of    *ent.User
	first argument[int]
	after argument[string]
}

// messages gives a page of the account's messages, read once for each row of the account.
func (r *Resolver) messages(ctx context.Context, of *ent.User, p history.PageParams) (history.Page, error) {
	key := messagePageKey{of: of, first: argumentOf(p.First), after: argumentOf(p.After)}
	a := answerOf(ctx)
	page, isRead := a.messages[key]
	if isRead {
		return page, nil
	}
	page, err := r.sent.List(ctx, of.ID, p)
	if err == nil {
		a.messages[key] = page
	}
	return page, err
}

func newMessageConnection(page history.Page) *model.MessageConnection {
	c := &model.MessageConnection{
		Edges:    make([]*model.MessageEdge, len(page.Messages)),
		PageInfo: &model.PageInfo{HasNextPage: page.HasNext, HasPreviousPage: page.HasPrevious},
	}
	for i, m := range page.Messages {
		c.Edges[i] = &model.MessageEdge{Cursor: m.Cursor(), Node: m}
	}
	if n := len(c.Edges); n > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[n-1].Cursor
	}
	return c
}
