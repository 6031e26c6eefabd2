package metrics

import "sync"

// cappedMap is a map that grows to a limit, for keys that clients choose. The zero
// value is ready to use, and its methods may be called from many goroutines.
type cappedMap[K comparable, V any] struct {
	mu     sync.RWMutex
	values map[K]V
}

func (m *cappedMap[K, V]) get(key K) (V, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	value, found := m.values[key]
	return value, found
}

// getOrAdd gives the value of the key, which build makes if there is none yet.
// Where the map is full build learns so, and what it makes is not kept.
func (m *cappedMap[K, V]) getOrAdd(key K, limit int, build func(full bool) V) V {
	m.mu.Lock()
	defer m.mu.Unlock()
	if value, found := m.values[key]; found {
		return value
	}
	if len(m.values) >= limit {
		return build(true)
	}
	if m.values == nil {
		m.values = map[K]V{}
	}
	m.values[key] = build(false)
	return m.values[key]
}
