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
