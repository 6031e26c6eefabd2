package app

import (
	"errors"
	"log/slog"
	"net/http"

	"luxbff/internal/store"
)

// health is the body of /healthz and /readyz.
type health struct {
	Reason string `json:"reason,omitempty"`
	Status string `json:"status"`
}

// serveAlive says that the process runs. It checks nothing else: a platform restarts a
// process that fails this check, and a restart mends no database.
func serveAlive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, health{Status: "ok"})
}

// readiness is what /readyz looks at.
type readiness struct {
	store    *store.Store
	busUp    func() bool
	stopping func() bool
	log      *slog.Logger
}

func (a *App) readiness() readiness {
	return readiness{
		store: a.Store, log: a.options.Log, stopping: a.stopping.Load,
		busUp: func() bool { return a.bus.Connected() }, // the bus is joined after the routes are made
	}
}

// serve says whether requests can be served: the database answers and takes writes, its
// schema is the one that the program was built for, and the program isn't about to stop.
// Without writes reads go on, for whoever asks nevertheless; but what the apps are for is
// uploads, and one replica of several may be connected to a server that is no longer the
// primary. Two cases are degraded and still ready, because everything is served:
//   - Without NATS events of other replicas come by polling, ten seconds late at most.
//   - While the database is already migrated for the next release, the old
//     replicas serve until the new ones take their place. Were they not ready,
//     nobody would be in between.
func (h readiness) serve(w http.ResponseWriter, r *http.Request) {
	if h.stopping() {
		writeJSON(w, http.StatusServiceUnavailable, health{Status: "stopping"})
		return
	}
	pending, err := h.store.Pending(r.Context())
	isNewer := errors.Is(err, store.ErrNewerDatabase)
	if !isNewer && (err != nil || pending > 0) {
		h.log.WarnContext(r.Context(), "not ready", "pending_migrations", pending, "error", err)
		writeJSON(w, http.StatusServiceUnavailable, health{Status: "unavailable"})
		return
	}
	if err := h.store.CheckWritable(r.Context()); err != nil {
		h.log.WarnContext(r.Context(), "not ready for writes", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, health{Status: "unavailable", Reason: reasonAgainstWrites(err)})
		return
	}
	switch {
	case isNewer:
		writeJSON(w, http.StatusOK, health{Status: "degraded", Reason: "the database is newer than this program: an upgrade is under way"})
	case !h.busUp():
		writeJSON(w, http.StatusOK, health{Status: "degraded", Reason: "NATS is away: live events come by polling"})
	default:
		writeJSON(w, http.StatusOK, health{Status: "ok"})
	}
}

// reasonAgainstWrites names no path and no host: anybody may ask.
func reasonAgainstWrites(err error) string {
	if errors.Is(err, store.ErrFileMoved) {
		return "the database file was moved, deleted or replaced: writes are refused, reads are still served"
	}
	return "the database takes no writes: reads are still served"
}
