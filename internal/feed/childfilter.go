package feed

import "sync"

// childFilters knows for which children there are subscribers that want one child
// alone. When the notification of a child's deletion was lost, the poll needs it: no
// event of that child will ever come that would show the poll whom to notify.
type childFilters struct {
	mu      sync.Mutex
	byChild map[int]childFilter
}

type childFilter struct{ rootUserID, subscribers int }

// add counts one more subscriber of the child, until remove.
func (f *childFilters) add(childUserID, rootUserID int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byChild[childUserID] = childFilter{rootUserID, f.byChild[childUserID].subscribers + 1}
}

func (f *childFilters) remove(childUserID int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.byChild[childUserID]
	left.subscribers--
	if left.subscribers == 0 {
		delete(f.byChild, childUserID)
		return
	}
	f.byChild[childUserID] = left
}

// owners maps each child that has subscribers to its account.
func (f *childFilters) owners() map[int]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	owners := make(map[int]int, len(f.byChild))
	for childUserID, filter := range f.byChild {
		owners[childUserID] = filter.rootUserID
	}
	return owners
}
