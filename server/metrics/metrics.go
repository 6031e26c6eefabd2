// Package metrics counts what the operators watch, in a registry of its own, and
// serves it to Prometheus. docs/metrics.md says what each metric means. The package
// imports no transport, no rule and no storage: a package that has something to count is handed a
// method of [Metrics], and what is only read when Prometheus asks comes as a
// [State].
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is one program's counters. Its methods may be called from many
// goroutines.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.CounterVec
	errors       *prometheus.CounterVec
	durations    *prometheus.HistogramVec
	statements   *prometheus.HistogramVec
	reads        prometheus.Observer
	writes       prometheus.Observer
	writeWait    prometheus.Histogram
	commits      prometheus.Histogram
	groups       prometheus.Histogram
	feedLag      prometheus.Histogram
	messages     *prometheus.CounterVec
	checks       *prometheus.CounterVec
	wrongSignIns *prometheus.CounterVec
	rateLimited  *prometheus.CounterVec
	refused      prometheus.Counter
	untrusted    *prometheus.CounterVec
	uses         *prometheus.CounterVec

	clientApps cappedMap[ClientApp, ClientApp]
	operations cappedMap[operation, prometheus.Observer]
	used       cappedMap[use, prometheus.Counter]
	state      *stateCollector
}

// New makes the metrics, with those of the Go runtime, the process and the build.
// Buckets are in seconds, and in writes for those that shared a commit.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counters("luxbff_requests_total",
			"Requests by route, and by the name and version that the app gave of itself.",
			"surface", "route", "app", "version"),
		errors: counters("luxbff_errors_total",
			"Errors told to clients, by the surface and the error's code.", "surface", "code"),
		durations: histograms("luxbff_operation_duration_seconds",
			"Time from a request to the end of its answer, by GraphQL operation or REST route, and by app.",
			[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5},
			"surface", "operation", "app"),
		statements: histograms("luxbff_sql_statement_duration_seconds",
			"Time of an SQL statement to its answer or first row; reads, and statements within a write.",
			[]float64{.00005, .0001, .00025, .0005, .001, .0025, .01, .05, .25, 1}, "kind"),
		writeWait: histogram("luxbff_write_wait_seconds",
			"Time that a write waited for its turn: for the one writer of SQLite, for a connection of PostgreSQL.",
			[]float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5}),
		commits: histogram("luxbff_commit_duration_seconds",
			"Time of a commit until it is on disk.",
			[]float64{.0001, .0005, .001, .005, .01, .05, .1, .5, 1, 5}),
		groups: histogram("luxbff_commit_group_writes",
			"Writes that shared one commit; always 1 on PostgreSQL.",
			[]float64{1, 2, 4, 8, 16, 32, 64}),
		feedLag: histogram("luxbff_feed_lag_seconds",
			"Time from a change of a devlog until a subscriber who listened then was handed its event.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}),
		messages: counters("luxbff_messages_total",
			"Tries to send a message, by channel and outcome: sent, retry, dead or expired.", "channel", "outcome"),
		checks: counters("luxbff_message_checks_total",
			"Questions to a provider what became of a message, by channel and outcome: delivered, failed, under_way or unanswered.", "channel", "outcome"),
		wrongSignIns: counters("luxbff_wrong_sign_ins_total",
			"Sign-ins that were refused for what the caller knew: unknown account, wrong password, account blocked.", "code"),
		rateLimited: counters("luxbff_rate_limited_total",
			"Calls that a limit refused, by limit: those named device are guesses at the MAC of a device.", "limit"),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "luxbff_connections_refused_total",
			Help: "Connections that were closed at once, because their address or all together had as many as they may have.",
		}),
		untrusted: counters("luxbff_untrusted_documents_total",
			"GraphQL documents that no manifest of TRUSTED_DOCUMENTS holds, by outcome: run or refused.", "outcome"),
		uses: counters("luxbff_operations_total",
			"GraphQL operations by name, over whichever transport, and by the name and version that the app gave of itself.",
			"operation", "app", "version"),
		state: &stateCollector{descriptions: newDescriptions()},
	}
	// Prometheus sees no rise in a counter that begins with the first document.
	m.untrusted.WithLabelValues("run")
	m.untrusted.WithLabelValues("refused")
	m.reads, m.writes = m.statements.WithLabelValues("read"), m.statements.WithLabelValues("write")
	m.registry.MustRegister(m.requests, m.errors, m.durations, m.statements, m.writeWait, m.commits, m.groups,
		m.feedLag, m.messages, m.checks, m.wrongSignIns, m.rateLimited, m.refused, m.untrusted, m.uses, m.state, collectors.NewBuildInfoCollector(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Gatherer is the registry, for tests to read.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Handler serves the metrics as Prometheus reads them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// CountRequest counts a request of a surface ("LUX", "GraphQL") to a route ("GET
// /api/v1/lux/user/me"), so that operators see which apps have yet to move to
// GraphQL. It gives the app as [Metrics.ObserveOperation] wants it.
func (m *Metrics) CountRequest(surface, route string, sent ClientApp) ClientApp {
	app := m.clientApp(sent)
	m.requests.WithLabelValues(surface, route, app.Name, app.Version).Inc()
	return app
}

// CountError counts an error that a client was answered with. Codes come from the
// program, so there are few.
func (m *Metrics) CountError(surface, code string) {
	m.errors.WithLabelValues(surface, code).Inc()
}

// StartErrorsAtZero makes the counters of errors on which alarms are set before any of
// them happens: Prometheus sees no rise in a counter that begins with its first error.
func (m *Metrics) StartErrorsAtZero(surfaces []string, codes ...string) {
	for _, surface := range surfaces {
		for _, code := range codes {
			m.errors.WithLabelValues(surface, code)
		}
	}
}

// StartRateLimitsAtZero does the same for the limits of the names.
func (m *Metrics) StartRateLimitsAtZero(limits ...string) {
	for _, limit := range limits {
		m.rateLimited.WithLabelValues(limit)
	}
}

// ObserveStatement counts an SQL statement: a read, or any within a write.
func (m *Metrics) ObserveStatement(inWrite bool, took time.Duration) {
	kind := m.reads
	if inWrite {
		kind = m.writes
	}
	kind.Observe(took.Seconds())
}

// ObserveWriteWait counts a write that has waited for its turn.
func (m *Metrics) ObserveWriteWait(waited time.Duration) { m.writeWait.Observe(waited.Seconds()) }

// ObserveCommit counts a commit and the writes that shared it.
func (m *Metrics) ObserveCommit(writes int, took time.Duration) {
	m.commits.Observe(took.Seconds())
	m.groups.Observe(float64(writes))
}

// ObserveFeedLag counts an event that a subscriber was handed so long after the
// change. The lag is negative if the clock was set back in between; that counts
// as 0.
func (m *Metrics) ObserveFeedLag(lag time.Duration) { m.feedLag.Observe(max(0, lag).Seconds()) }

// StartMessageChecksAtZero shows these outcomes of these channels before they happen, so
// that the first of them is seen as a rise.
func (m *Metrics) StartMessageChecksAtZero(channels []string, outcomes ...string) {
	for _, channel := range channels {
		for _, outcome := range outcomes {
			m.checks.WithLabelValues(channel, outcome)
		}
	}
}

// CountMessageCheck counts a question to a provider what became of a message.
func (m *Metrics) CountMessageCheck(channel, outcome string) {
	m.checks.WithLabelValues(channel, outcome).Inc()
}

// CountMessage counts a try to send a message.
func (m *Metrics) CountMessage(channel, outcome string) {
	m.messages.WithLabelValues(channel, outcome).Inc()
}

// CountRefusedConnection counts a connection that was closed at once.
func (m *Metrics) CountRefusedConnection() { m.refused.Inc() }

// CountUntrustedDocument counts a GraphQL document that no manifest holds, by what became of
// it: run or refused.
func (m *Metrics) CountUntrustedDocument(outcome string) {
	m.untrusted.WithLabelValues(outcome).Inc()
}

// CountWrongSignIn counts a sign-in that was refused, by the code of its error.
func (m *Metrics) CountWrongSignIn(code string) { m.wrongSignIns.WithLabelValues(code).Inc() }

// CountRateLimited counts a call that was refused, by the name of the limit.
func (m *Metrics) CountRateLimited(limit string) { m.rateLimited.WithLabelValues(limit).Inc() }
