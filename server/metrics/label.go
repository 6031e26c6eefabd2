package metrics

import (
	"net/http"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Anybody can send any name, and each makes a series of every metric that shows
// it. Those that come when so many are known are all "other".
const (
	// maxApps is how many apps, each version counting as one, are told apart.
	maxApps = 200
	// maxTimings is how many pairs of operation and app are.
	maxTimings = 1000
)

const (
	unknown = "unknown"
	other   = "other"
)

// App is what a client says of itself, as far as it is repeated.
type App struct{ Name, Version string }

// app reads the headers of Apollo's clients, else the User-Agent's first product
// (RFC 9110, section 10.1.5).
func (m *Metrics) app(h http.Header) App {
	name, version := h.Get("Apollographql-Client-Name"), h.Get("Apollographql-Client-Version")
	if name == "" {
		product, _, _ := strings.Cut(h.Get("User-Agent"), " ")
		name, version, _ = strings.Cut(product, "/")
	}
	said := App{label(name), label(version)}
	if app, known := m.apps.get(said); known {
		return app
	}
	// What is kept must not hold on to the header that it was cut from.
	said = App{strings.Clone(said.Name), strings.Clone(said.Version)}
	return m.apps.add(said, maxApps, func(full bool) App {
		if full {
			return App{other, other}
		}
		return said
	})
}

// In bytes. Routes are shorter; what is longer of an operation's name is cut.
const (
	longestLabel     = 40
	longestOperation = 100
)

// label is the text if it looks like a name or a version; whatever doesn't is not
// repeated.
func label(text string) string {
	if text == "" || len(text) > longestLabel || !alphanumeric(text[0]) {
		return unknown
	}
	for i := range len(text) {
		if !alphanumeric(text[i]) && !strings.ContainsRune(" ._+-", rune(text[i])) {
			return unknown
		}
	}
	return text
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// timing is one series of the durations.
type timing struct{ surface, operation, app string }

func (m *Metrics) observer(key timing) prometheus.Observer {
	key = timing{key.surface, strings.Clone(key.operation), key.app}
	return m.timed.add(key, maxTimings, func(full bool) prometheus.Observer {
		operation, app := strings.ToValidUTF8(key.operation, "?"), key.app
		if full {
			operation, app = other, other
		}
		return m.durations.WithLabelValues(key.surface, operation, app)
	})
}

// bounded is a map that grows to a limit. The zero value is empty.
type bounded[K comparable, V any] struct {
	mu    sync.RWMutex
	known map[K]V
}

func (b *bounded[K, V]) get(key K) (V, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	value, known := b.known[key]
	return value, known
}

// add keeps what build makes, and gives what is kept; at the limit it gives what
// build makes when told so, and keeps nothing.
func (b *bounded[K, V]) add(key K, limit int, build func(full bool) V) V {
	b.mu.Lock()
	defer b.mu.Unlock()
	if value, known := b.known[key]; known {
		return value
	}
	if len(b.known) >= limit {
		return build(true)
	}
	if b.known == nil {
		b.known = map[K]V{}
	}
	b.known[key] = build(false)
	return b.known[key]
}
