package history

import (
	"context"
	"maps"
	"slices"
	"time"

	"luxbff/ent"
	entmessage "luxbff/ent/message"
	"luxbff/internal/background"
)

const (
	// pollInterval is the longest that a lost notification delays what it was about.
	pollInterval = 10 * time.Second
	// pollOverlap is how many ids a poll looks back behind the newest it has seen: on
	// PostgreSQL a lower id may be committed after a higher.
	pollOverlap = 1000
)

// Start looks for changes whose notification was lost, until Close.
func (s *Service) Start(ctx context.Context) {
	s.running = background.NewGroup(ctx, s.onPanic)
	s.running.Supervise(func(ctx context.Context) {
		seen := s.newestID(ctx)
		background.EveryOrWhen(ctx, pollInterval, s.pollNow, func(ctx context.Context) { seen = s.Poll(ctx, seen) })
	})
}

// Close ends what Start began.
func (s *Service) Close() { s.running.Close() }

// PollSoon has the next poll run at once, for when many notifications may have been lost
// together.
func (s *Service) PollSoon() { s.pollNow.Notify() }

// Subscribers counts those who follow messages: each change from now on reaches them.
func (s *Service) Subscribers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subscribers)
}

// register has polls serve the subscriber until unregister is called.
func (s *Service) register(sub *subscriber) (unregister func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscribers[sub] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subscribers, sub)
	}
}

// Poll notifies the subscribers of this replica who wait for the end of a message, and those
// whose accounts have a message that they have not seen. It looks at the messages after the
// id seen last, and returns the newest id for the next poll. One statement serves all
// accounts, an idle subscriber costs none, and none runs without subscribers.
func (s *Service) Poll(ctx context.Context, seen int) (newest int) {
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.subscribers))
	s.mu.Unlock()
	if len(all) == 0 {
		return seen
	}
	newestOf, err := s.newestAfter(ctx, max(0, seen-pollOverlap))
	if err != nil {
		s.logFailure(ctx, err)
		return seen
	}
	for _, sub := range all {
		if sub.hasMissed(newestOf[sub.rootUserID]) {
			sub.notify()
		}
	}
	for _, id := range newestOf {
		seen = max(seen, id)
	}
	return seen
}

// newestMessages groups by an expression, since by the column itself SQLite goes through all
// messages in the order of their accounts: there is an index of them.
const newestMessages = `SELECT min(root_user_id), max(id) FROM messages WHERE id > $1 AND root_user_id IS NOT NULL GROUP BY root_user_id + 0`

// newestAfter gives the newest message of each account that has one after the id.
func (s *Service) newestAfter(ctx context.Context, seen int) (map[int]int, error) {
	rows, err := s.store.Query(ctx, newestMessages, seen)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	newest := map[int]int{}
	for rows.Next() {
		var rootUserID, id int
		if err := rows.Scan(&rootUserID, &id); err != nil {
			return nil, err
		}
		newest[rootUserID] = id
	}
	return newest, rows.Err()
}

func (s *Service) newestID(ctx context.Context) int {
	newest, err := s.store.Read().Message.Query().Order(ent.Desc(entmessage.FieldID)).FirstID(ctx)
	if err != nil && !ent.IsNotFound(err) {
		s.logFailure(ctx, err)
	}
	return newest
}

func (s *Service) logFailure(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.log.ErrorContext(ctx, "poll the messages", "error", err)
	}
}
