package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxOperations is how many pairs of operation and app have a histogram of their
	// own. Clients name GraphQL operations, so without a limit they could fill the
	// memory.
	maxOperations = 1000
	// maxOperationBytes is longer than any route.
	maxOperationBytes = 100
)

// use is what one counter of operations is about.
type use struct {
	name string
	app  ClientApp
}

// CountOperation counts a GraphQL operation that has begun. Names and apps beyond the first
// 1,000 together are counted as "other".
func (m *Metrics) CountOperation(name string, app ClientApp) {
	key := use{name[:min(len(name), maxOperationBytes)], app}
	counter, found := m.used.get(key)
	if !found {
		counter = m.addUse(key)
	}
	counter.Inc()
}

func (m *Metrics) addUse(key use) prometheus.Counter {
	key = use{strings.Clone(key.name), ClientApp{strings.Clone(key.app.Name), strings.Clone(key.app.Version)}}
	return m.used.getOrAdd(key, maxOperations, func(full bool) prometheus.Counter {
		if full {
			return m.uses.WithLabelValues(other, other, other)
		}
		return m.uses.WithLabelValues(strings.ToValidUTF8(key.name, "?"), key.app.Name, key.app.Version)
	})
}

// operation is what one histogram of durations is about.
type operation struct{ surface, name, app string }

// ObserveOperation counts a response and the time from its request to its end.
// Names beyond the first 1,000 are counted together as "other".
func (m *Metrics) ObserveOperation(surface, name string, app ClientApp, took time.Duration) {
	key := operation{surface, name[:min(len(name), maxOperationBytes)], app.Name}
	histogram, found := m.operations.get(key)
	if !found {
		histogram = m.addOperation(key)
	}
	histogram.Observe(took.Seconds())
}

func (m *Metrics) addOperation(key operation) prometheus.Observer {
	// The name is part of the request's document, which would stay in memory with it.
	key.name = strings.Clone(key.name)
	return m.operations.getOrAdd(key, maxOperations, func(full bool) prometheus.Observer {
		if full {
			return m.durations.WithLabelValues(key.surface, other, other)
		}
		return m.durations.WithLabelValues(key.surface, strings.ToValidUTF8(key.name, "?"), key.app)
	})
}
