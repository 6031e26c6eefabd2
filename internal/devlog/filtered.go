package devlog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"luxbff/ent/childuser"
)

// filtered knows of the feeds that are filtered to a child, because a poll finds
// no event of a child that is gone.
type filtered struct {
	mu    sync.Mutex
	feeds map[int]*filter // by child
}

type filter struct{ rootUserID, feeds int }

// enter counts a feed of the child, until it leaves.
func (f *filtered) enter(childUserID, rootUserID int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.feeds[childUserID] == nil {
		f.feeds[childUserID] = &filter{rootUserID: rootUserID}
	}
	f.feeds[childUserID].feeds++
}

func (f *filtered) leave(childUserID int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.feeds[childUserID].feeds--
	if f.feeds[childUserID].feeds == 0 {
		delete(f.feeds, childUserID)
	}
}

// owners gives the children with a feed, and the account of each.
func (f *filtered) owners() map[int]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	owners := make(map[int]int, len(f.feeds))
	for childUserID, of := range f.feeds {
		owners[childUserID] = of.rootUserID
	}
	return owners
}

// wakeForGone wakes the feeds of children that are gone, for which no event will
// come, in one statement for 500 children.
func (s *Service) wakeForGone(ctx context.Context) error {
	const most = 500
	gone := s.filtered.owners()
	for some := range slices.Chunk(slices.Collect(maps.Keys(gone)), most) {
		there, err := s.store.Read().ChildUser.Query().Where(childuser.IDIn(some...)).IDs(ctx)
		if err != nil {
			return fmt.Errorf("find the children that are watched: %w", err)
		}
		for _, id := range there {
			delete(gone, id)
		}
	}
	for _, rootUserID := range gone {
		s.hub.Wake(rootUserID)
	}
	return nil
}
