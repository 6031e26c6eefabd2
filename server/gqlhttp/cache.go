package gqlhttp

import (
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// textCache keeps values by the query text they were made of, or by its hash, and drops
// the least recently used first. It is bounded by the number of entries and by the bytes
// of text, because clients choose the texts: entries alone would not bound the memory.
// A text longer than largestCachedDocument is not kept.
type textCache[V any] struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, cacheEntry[V]]
	size    int // bytes of text of all entries
	maxSize int
}

type cacheEntry[V any] struct {
	value V
	size  int // bytes of text
}

// newTextCache makes a cache of at most count entries and maxSize bytes of text.
func newTextCache[V any](count, maxSize int) *textCache[V] {
	cache := &textCache[V]{maxSize: maxSize}
	// NewLRU only fails for a count below one.
	cache.entries, _ = simplelru.NewLRU(max(count, 1), func(_ string, evicted cacheEntry[V]) {
		cache.size -= evicted.size
	})
	return cache
}

// Get implements graphql.Cache.
func (c *textCache[V]) Get(_ context.Context, key string) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries.Get(key)
	return entry.value, ok
}

// Add implements graphql.Cache, where the key is the text.
func (c *textCache[V]) Add(_ context.Context, key string, value V) { c.add(key, value, len(key)) }

func (c *textCache[V]) add(key string, value V, size int) {
	if size > largestCachedDocument {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key) // so that the size of an older entry is taken off
	c.entries.Add(key, cacheEntry[V]{value, size})
	c.size += size
	for c.size > c.maxSize {
		c.entries.RemoveOldest()
	}
}
