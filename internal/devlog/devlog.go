// Package devlog holds the usage logs of devices: uploads, with the rules by which a
// temporary log becomes a complete one, and the history of a child.
//
// The rules of uploads are rule 9 of the contract. One upload is one transaction:
//
//   - [Service.Upload] checks the records before it changes anything, so that either
//     all are stored or none.
//   - deviceLogs.apply decides for one record after the other, in the order of the
//     array, whether it replays a stored log, updates or completes the temporary one,
//     or is a new log.
//   - changeSet collects what that changes and saves it in a number of statements that
//     doesn't grow with the number of records.
//
// It appends to package feed and imports neither gqlgen nor net/http.
package devlog

import (
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/feed"
	"luxbff/internal/store"
)

// Config is what the package needs from outside.
type Config struct {
	Store *store.Store
	Feed  *feed.Service
	Clock func() time.Time
}

// Service stores uploads and reads histories.
type Service struct {
	store *store.Store
	feed  *feed.Service
	clock func() time.Time
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, feed: c.Feed, clock: c.Clock}
}

// MaxRecords is the most records that one upload may hold (rule 9).
const MaxRecords = 1000

// temporaryDelay is how long after the start of a treatment the app sends its
// temporary log (LUX device page, "Upload Temporary Usage Log").
const temporaryDelay = 30 * time.Second

// Record is one log as a phone sends it. TreatmentTime is in seconds, LastIntensity
// in the device's steps.
type Record struct {
	ChildUserID   int
	DeviceID      int
	UniqueID      string
	TreatmentDate vocab.LocalDateTime
	FinishFlag    *vocab.FinishFlag // nil while the treatment runs
	LastIntensity int
	TreatmentTime int
	LogFileID     *int
}

// isTemporary reports whether the treatment still runs.
func (r Record) isTemporary() bool { return r.FinishFlag == nil }

// storedDate is the start of the treatment. The phone dates a temporary log with the
// moment of sending, 30 seconds after the start; a complete log with the start.
func (r Record) storedDate() vocab.LocalDateTime {
	if r.isTemporary() {
		return r.TreatmentDate.Add(-temporaryDelay)
	}
	return r.TreatmentDate
}
