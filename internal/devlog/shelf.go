package devlog

import (
	"context"
	"fmt"

	"luxbff/ent"
	"luxbff/ent/devlog"
	"luxbff/ent/predicate"
	"luxbff/ent/vocab"
	"luxbff/internal/store"
)

// shelf is what is stored for one device in its registration, as far as one
// upload touches it: the temporary log, and the complete logs that the records
// may replay.
type shelf struct {
	device    *ent.Device
	temporary *ent.Devlog
	byFile    map[int]*ent.Devlog
	byDate    map[vocab.LocalDateTime]*ent.Devlog
}

// openShelf reads the shelf of a device in one statement.
func openShelf(ctx context.Context, tx *store.Tx, d *ent.Device, records []Record) (*shelf, error) {
	stored, err := tx.Devlog.Query().
		Where(devlog.DeviceID(d.ID), touched(d, records)).
		Order(devlog.ByID()).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("load devlogs: %w", err)
	}
	s := &shelf{
		device: d,
		byFile: map[int]*ent.Devlog{},
		byDate: map[vocab.LocalDateTime]*ent.Devlog{},
	}
	for _, l := range stored {
		s.attach(l)
		if l.Status == vocab.Temporary {
			s.temporary = l
		} else {
			s.file(l)
		}
	}
	return s, nil
}

// touched are the device's logs that the records can meet. A temporary log
// belongs to the child and device, whichever the registration.
func touched(d *ent.Device, records []Record) predicate.Devlog {
	var files []int
	var dates []vocab.LocalDateTime
	for _, r := range records {
		switch {
		case r.DeviceID != d.ID:
		case r.LogFileID != nil:
			files = append(files, *r.LogFileID)
		default:
			dates = append(dates, r.date())
		}
	}
	return devlog.Or(
		devlog.And(devlog.StatusEQ(vocab.Temporary), devlog.ChildUserID(*d.ChildUserID)),
		devlog.And(
			devlog.StatusEQ(vocab.Complete),
			devlog.Registration(d.Registration),
			devlog.Or(devlog.LogFileIDIn(files...), devlog.TreatmentDateIn(dates...)),
		),
	)
}

// put applies one record by rule 9 and notes in the journal what changed. It
// gives the log that the record now stands for.
func (s *shelf) put(j *journal, r Record) *ent.Devlog {
	if stored := s.replayed(r); stored != nil {
		return stored
	}
	l, change := s.temporary, vocab.Updated
	if l == nil {
		l, change = s.begin(j, r), vocab.Created
	} else {
		j.touch(l)
	}
	s.write(l, r, j)
	if r.temporary() {
		s.temporary = l
	} else {
		s.temporary, change = nil, vocab.Completed
		s.file(l)
	}
	j.note(s.device, l, change)
	return l
}

// replayed finds the complete log that the record was stored as before.
func (s *shelf) replayed(r Record) *ent.Devlog {
	if r.LogFileID != nil {
		return s.byFile[*r.LogFileID]
	}
	return s.byDate[r.date()]
}

func (s *shelf) begin(j *journal, r Record) *ent.Devlog {
	l := &ent.Devlog{
		RootUserID: j.rootUserID, ChildUserID: r.ChildUserID, DeviceID: r.DeviceID, CreatedAt: j.now,
	}
	s.attach(l)
	j.added = append(j.added, l)
	return l
}

func (s *shelf) write(l *ent.Devlog, r Record, j *journal) {
	l.Registration = s.device.Registration
	l.Status = vocab.Temporary
	if !r.temporary() {
		l.Status = vocab.Complete
	}
	l.FinishFlag = r.FinishFlag
	l.TreatmentDate = r.date()
	l.LastIntensity, l.TreatmentTime = r.LastIntensity, r.TreatmentTime
	l.LogFileID = r.LogFileID
	l.UpdatedAt = j.now
	if r.LogFileID != nil && *r.LogFileID > s.device.LastLogFileID {
		s.device.LastLogFileID = *r.LogFileID
	}
}

// file makes a complete log known to the replay check. The oldest log of a date
// stands for it.
func (s *shelf) file(l *ent.Devlog) {
	if l.LogFileID != nil {
		s.byFile[*l.LogFileID] = l
	}
	if s.byDate[l.TreatmentDate] == nil {
		s.byDate[l.TreatmentDate] = l
	}
}

func (s *shelf) attach(l *ent.Devlog) {
	l.Edges.Device = s.device
	l.Edges.ChildUser = s.device.Edges.ChildUser
}
