// Package graph is the GraphQL edge: one schema file and one resolver file a
// noun. A resolver reads its input, makes one domain call and shapes the answer.
// It holds no rule and no storage.
package graph

import (
	"luxbff/internal/account"
	"luxbff/internal/auth"
	"luxbff/internal/child"
	"luxbff/internal/devlog"
	"luxbff/internal/feed"
)

// Resolver is what the resolvers call.
type Resolver struct {
	auth     *auth.Service
	accounts *account.Service
	children *child.Service
	devlogs  *devlog.Service
	feed     *feed.Service
}

// NewResolver makes the resolvers over the domain.
func NewResolver(
	auth *auth.Service, accounts *account.Service, children *child.Service, devlogs *devlog.Service, events *feed.Service,
) *Resolver {
	return &Resolver{auth: auth, accounts: accounts, children: children, devlogs: devlogs, feed: events}
}
