// Package graph is the GraphQL edge. Each noun has a schema file, a resolver file
// with a stub that gqlgen writes for each field, and where needed a file with what
// its resolvers share. A resolver reads its input, makes one domain call and shapes
// the result. The package holds no rule and builds no query; how requests arrive is
// the business of server/gqlhttp and its sisters.
package graph

import (
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
	"luxbff/internal/message/history"
)

// Resolver holds the domain services that the resolvers call.
type Resolver struct {
	auth     *auth.Service
	accounts *account.Service
	children *child.Service
	devlogs  *devlog.Service
	feed     *feed.Service
	sent     *history.Service
}

// NewResolver makes the resolvers over the domain.
func NewResolver(
	auth *auth.Service, accounts *account.Service, children *child.Service, devlogs *devlog.Service, events *feed.Service,
	sent *history.Service,
) *Resolver {
	return &Resolver{auth: auth, accounts: accounts, children: children, devlogs: devlogs, feed: events, sent: sent}
}
