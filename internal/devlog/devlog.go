// Package devlog holds the usage logs of devices: uploads, with the rules by which a
// temporary log becomes a complete one, and the history of a child.
//
// The rules are rule 9 of the contract:
//
//   - All or nothing: an upload is one transaction. If one record can't be stored, none
//     is ([Service.Upload], loadDevices).
//   - Order: records take effect in the order of the array, and each meets what those
//     before it left (deviceLogs.apply).
//   - Temporary log: a child and device have at most one. A temporary record creates or
//     updates it, and is dated 30 seconds back (Record.storedDate).
//   - Completion: the first complete record that is no replay becomes the temporary log
//     if there is one; any other is a new log (deviceLogs.apply).
//   - Late: a temporary record that arrives after its own treatment was completed changes
//     nothing (deviceLogs.findStored).
//   - Replay: phones retry. A record that is stored as a complete log already changes
//     nothing and takes no temporary log (deviceLogs.findStored).
//   - Rejected: an upload may ask for the valid records to be stored without the others,
//     which are then kept for the operator ([Service.UploadWith], keepRejected).
//   - last_log_file_id: the highest number that a device has sent since it was registered
//     to its child (deviceLogs.copyRecord).
//
// The package appends to package feed, has package push say to the account's devices that a
// treatment ended because of faulty contacts, and imports neither gqlgen nor net/http.
package devlog

import (
	"context"
	"log/slog"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/background"
	"luxbff/internal/feed"
	"luxbff/internal/push"
	"luxbff/internal/store"
)

// Config is what the package needs from outside.
type Config struct {
	Store *store.Store
	Feed  *feed.Service
	// Push says to the devices of an account that a treatment ended because of faulty
	// contacts; nil says nothing.
	Push  *push.Service
	Clock func() time.Time
	Log   *slog.Logger
	// OnPanic is called with each panic of the work in the background.
	OnPanic func(context.Context, *background.Panic)
}

// Service stores uploads and reads histories.
type Service struct {
	store *store.Store
	feed  *feed.Service
	push  *push.Service
	clock func() time.Time
	log   *slog.Logger

	onPanic    func(context.Context, *background.Panic)
	background *background.Group
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, feed: c.Feed, push: c.Push, clock: c.Clock, log: c.Log, onPanic: c.OnPanic}
}

// MaxRecords is the most records that one upload may hold (rule 9).
const MaxRecords = 1000

// temporaryDelay is how long after the start of a treatment the app sends its
// temporary log (LUX device page, "Upload Temporary Usage Log").
const temporaryDelay = 30 * time.Second

// lateWithin is how far the dates of a temporary record and of a complete log may be
// apart for both to be of one treatment (rule 9): the app sends the record some 30 seconds
// after the start, and not to the second.
const lateWithin = 60 * time.Second

// Record is one log as a phone sends it. TreatmentOffset is that of TreatmentDate from
// UTC, as +09:00, if one was sent. TreatmentTime is in seconds, LastIntensity in the
// device's steps.
type Record struct {
	ChildUserID     int
	DeviceID        int
	UniqueID        string
	TreatmentDate   vocab.LocalDateTime
	TreatmentOffset *string
	FinishFlag      *vocab.FinishFlag // nil while the treatment runs
	LastIntensity   int
	TreatmentTime   int
	LogFileID       *int
}

// isTemporary reports whether the treatment still runs.
func (r Record) isTemporary() bool { return r.FinishFlag == nil }

// storedDate is the start of the treatment. A phone dates a complete log with the start,
// and a temporary one with the moment of sending, which is 30 seconds later.
func (r Record) storedDate() vocab.LocalDateTime {
	if r.isTemporary() {
		return r.TreatmentDate.Add(-temporaryDelay)
	}
	return r.TreatmentDate
}
