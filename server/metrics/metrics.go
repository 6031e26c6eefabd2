// Package metrics counts what the operators watch, in a registry of its own, and
// serves it to Prometheus. It imports no edge, no rule and no storage.
package metrics

import (
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// maxApps is how many apps, each version counting as one, are told apart. Anybody
// can send any name: those that come later are all "other".
const maxApps = 200

const (
	unknown = "unknown"
	other   = "other"
)

// Metrics is one program's counters.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	apps     apps
}

// New makes the counters, with those of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "luxbff_requests_total",
			Help: "Requests by route, and by the name and version that the app gave of itself.",
		}, []string{"surface", "route", "app", "version"}),
		apps: apps{known: map[app]bool{}},
	}
	m.registry.MustRegister(m.requests, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the counters as Prometheus reads them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Count counts a request of a surface ("LUX", "GraphQL") to a route ("GET
// /api/v1/lux/user/me"), so that operators see which apps have yet to move.
func (m *Metrics) Count(surface, route string, r *http.Request) {
	a := m.apps.bounded(appOf(r.Header))
	m.requests.WithLabelValues(surface, route, a.name, a.version).Inc()
}

// app is what a client says of itself.
type app struct{ name, version string }

// appOf reads the headers of Apollo's clients, else the User-Agent's first
// product (RFC 9110, section 10.1.5).
func appOf(h http.Header) app {
	name, version := h.Get("Apollographql-Client-Name"), h.Get("Apollographql-Client-Version")
	if name == "" {
		product, _, _ := strings.Cut(h.Get("User-Agent"), " ")
		name, version, _ = strings.Cut(product, "/")
	}
	return app{label(name), label(version)}
}

// plain is what a name or version is made of; whatever isn't is not repeated.
var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}$`)

func label(text string) string {
	if !plain.MatchString(text) {
		return unknown
	}
	return text
}

// apps are those that have been told apart so far.
type apps struct {
	sync.Mutex
	known map[app]bool
}

func (a *apps) bounded(one app) app {
	a.Lock()
	defer a.Unlock()
	if !a.known[one] {
		if len(a.known) >= maxApps {
			return app{other, other}
		}
		a.known[one] = true
	}
	return one
}
