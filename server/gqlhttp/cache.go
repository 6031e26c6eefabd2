package gqlhttp

import (
	"context"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// textCache keeps what was made of query texts, least recently used out first.
// It is bounded by count and by the length of the texts, because clients choose
// them; a text over largestCachedDocument is not kept.
type textCache[V any] struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, weighed[V]]
	weight  int
	limit   int
}

type weighed[V any] struct {
	value  V
	weight int
}

// newTextCache makes a cache of at most count entries and limit bytes of text.
func newTextCache[V any](count, limit int) *textCache[V] {
	cache := &textCache[V]{limit: limit}
	// The one error of NewLRU is a count below one.
	cache.entries, _ = simplelru.NewLRU(max(count, 1), func(_ string, evicted weighed[V]) {
		cache.weight -= evicted.weight
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

// Add implements graphql.Cache; the key is the text.
func (c *textCache[V]) Add(_ context.Context, key string, value V) { c.add(key, value, len(key)) }

func (c *textCache[V]) add(key string, value V, weight int) {
	if weight > largestCachedDocument {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Remove(key)
	c.entries.Add(key, weighed[V]{value, weight})
	c.weight += weight
	for c.weight > c.limit {
		c.entries.RemoveOldest()
	}
}
