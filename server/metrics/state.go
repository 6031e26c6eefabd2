package metrics

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// State is what is read when Prometheus asks, because it is a level and no count of
// events. A part that could not be read is left out of the answer.
type State struct {
	Pools       map[string]sql.DBStats // the database's connections, by "read" and "write"
	Writes      int                    // that wait or run
	Connections map[string]Connections // sockets and streams, by protocol
	Subscribers int                    // subscriptions that follow the feed
	Hashes      int                    // calls that wait for a password to be hashed
	Writable    bool                   // whether the database takes writes
	Outbox      *Outbox                // nil where the database didn't answer
	BusUp       *bool                  // nil where there is no bus
}

// Connections are those of one protocol.
type Connections struct {
	Open             int
	QueuedBytes      int // that wait to be written
	PendingResponses int // that are still to be put into those queues
}

// Outbox is what has not been sent.
type Outbox struct {
	Pending, Dead int
	Oldest        time.Duration // how long the oldest pending message has waited; 0 without one
}

// scrapeLimit bounds the reading of a State. Prometheus gives up after ten seconds by
// default, and some are set to scrape every five: a scrape that fails because the
// database is silent would take with it every metric that says so.
const scrapeLimit = 2 * time.Second

// ReadStateWith has the state read whenever Prometheus asks. Before it is called,
// the metrics of the state are missing.
func (m *Metrics) ReadStateWith(read func(context.Context) State) { m.state.read.Store(&read) }

// stateCollector makes metrics of a State. It is registered with all others, before
// the parts of the program that are read exist.
type stateCollector struct {
	read         atomic.Pointer[func(context.Context) State]
	descriptions descriptions
	// underWay lets scrapes that come at the same time share one reading. While the
	// database is silent each reading holds a connection that requests may need.
	underWay singleflight.Group
}

type descriptions struct {
	pool, poolLimit, poolWaits, poolWaited *prometheus.Desc
	writes                                 *prometheus.Desc
	connections, queued, pending           *prometheus.Desc
	subscribers, hashes                    *prometheus.Desc
	databaseUp, writable, messages, oldest *prometheus.Desc
	busUp                                  *prometheus.Desc
}

func newDescriptions() descriptions {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return descriptions{
		pool:        desc("luxbff_database_connections", "Open connections to the database, in use or idle.", "pool", "state"),
		poolLimit:   desc("luxbff_database_connections_limit", "Connections that the pool may open.", "pool"),
		poolWaits:   desc("luxbff_database_connection_waits_total", "Times that a connection of the pool was waited for.", "pool"),
		poolWaited:  desc("luxbff_database_connection_wait_seconds_total", "Time that connections of the pool were waited for.", "pool"),
		writes:      desc("luxbff_writes_in_flight", "Writes that wait or run."),
		connections: desc("luxbff_live_connections", "Open sockets and streams, by protocol.", "protocol"),
		queued:      desc("luxbff_live_queued_bytes", "Bytes that wait to be written to sockets, by protocol.", "protocol"),
		pending:     desc("luxbff_live_pending_responses", "Responses that sockets wait for: operations that run, and events of the feed, by protocol.", "protocol"),
		subscribers: desc("luxbff_feed_subscribers", "Subscriptions that follow the feed."),
		hashes:      desc("luxbff_password_hashes_waiting", "Calls that wait for a password to be hashed."),
		databaseUp:  desc("luxbff_database_up", "1 if the database answered when it was asked for these metrics."),
		writable:    desc("luxbff_database_writable", "1 if the database takes writes; reads are served without."),
		messages:    desc("luxbff_outbox_messages", "Messages of the outbox: pending, or dead for 30 days at most.", "state"),
		oldest:      desc("luxbff_outbox_oldest_seconds", "How long the oldest pending message has waited; 0 without one."),
		busUp:       desc("luxbff_bus_up", "1 if the bus between replicas is connected; absent without a bus."),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(out chan<- *prometheus.Desc) {
	d := c.descriptions
	for _, one := range []*prometheus.Desc{
		d.pool, d.poolLimit, d.poolWaits, d.poolWaited, d.writes, d.connections, d.queued, d.pending,
		d.subscribers, d.hashes, d.databaseUp, d.writable, d.messages, d.oldest, d.busUp,
	} {
		out <- one
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	read := c.read.Load()
	if read == nil {
		return
	}
	state, d := c.current(*read), c.descriptions
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counter := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
	}
	for pool, stats := range state.Pools {
		gauge(d.pool, float64(stats.InUse), pool, "in_use")
		gauge(d.pool, float64(stats.Idle), pool, "idle")
		gauge(d.poolLimit, float64(stats.MaxOpenConnections), pool)
		counter(d.poolWaits, float64(stats.WaitCount), pool)
		counter(d.poolWaited, stats.WaitDuration.Seconds(), pool)
	}
	gauge(d.writes, float64(state.Writes))
	for protocol, connections := range state.Connections {
		gauge(d.connections, float64(connections.Open), protocol)
		gauge(d.queued, float64(connections.QueuedBytes), protocol)
		gauge(d.pending, float64(connections.PendingResponses), protocol)
	}
	gauge(d.subscribers, float64(state.Subscribers))
	gauge(d.hashes, float64(state.Hashes))
	gauge(d.databaseUp, boolValue(state.Outbox != nil))
	gauge(d.writable, boolValue(state.Writable))
	if state.Outbox != nil {
		gauge(d.messages, float64(state.Outbox.Pending), "pending")
		gauge(d.messages, float64(state.Outbox.Dead), "dead")
		gauge(d.oldest, state.Outbox.Oldest.Seconds())
	}
	if state.BusUp != nil {
		gauge(d.busUp, boolValue(*state.BusUp))
	}
}

// current reads the state, or waits for the reading that another scrape has begun.
func (c *stateCollector) current(read func(context.Context) State) State {
	shared, _, _ := c.underWay.Do("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeLimit)
		defer cancel()
		return read(ctx), nil
	})
	state, _ := shared.(State)
	return state
}

func boolValue(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
