package devlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"luxbff/ent"
	"luxbff/ent/childuser"
	"luxbff/ent/column"
	"luxbff/ent/device"
	"luxbff/ent/user"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// Stored is the outcome of an upload: what became of each record, in the records' order,
// and whether every record was temporary, which decides the answer of the LUX page.
type Stored struct {
	Results      []Result
	AllTemporary bool
}

// Result is what became of one record.
type Result struct {
	Verdict Verdict
	// Devlog is the log as it is stored now, nil of a rejected record.
	Devlog *ent.Devlog
	// Error says why a record was rejected, nil of any other. Its Field names the record.
	Error *apperr.Error
}

// Verdict says in a word what became of a record. It is spelled as in GraphQL.
type Verdict string

// The verdicts. All but NewlyStored leave the stored logs as they were.
const (
	NewlyStored Verdict = "STORED"   // it made a log, or changed the temporary one
	Replayed    Verdict = "REPLAYED" // it was stored before
	Late        Verdict = "LATE"     // its treatment was completed before
	Rejected    Verdict = "REJECTED" // it can't be stored
)

// MarshalGQL writes the name.
func (v Verdict) MarshalGQL(w io.Writer) { _, _ = io.WriteString(w, strconv.Quote(string(v))) }

// UnmarshalGQL always fails. gqlgen asks for it, though no input of the schema has the
// type.
func (v *Verdict) UnmarshalGQL(any) error { return errOutputOnly }

var errOutputOnly = errors.New("a verdict is no input")

// Devlogs are the stored logs, in the order of the records, without those of rejected ones.
func (s Stored) Devlogs() []*ent.Devlog {
	logs := make([]*ent.Devlog, 0, len(s.Results))
	for _, result := range s.Results {
		if result.Devlog != nil {
			logs = append(logs, result.Devlog)
		}
	}
	return logs
}

// OnInvalid says what becomes of an upload of which some records can't be stored.
type OnInvalid uint8

// What an upload may do with such records.
const (
	RejectAll  OnInvalid = iota // it fails, and nothing is stored (rule 9 of the contract)
	StoreValid                  // the others are stored, and these are kept for the operator
)

// Upload stores the records in their order, all or none (rule 9 of the contract).
//
// Errors: BadRequest, NotFoundUser, NotAuthorizedUser, NotFoundDevice,
// NotConnectedDevice; CreateDeviceLogFailed and UpdateDeviceLogFailed when the
// database refuses.
func (s *Service) Upload(ctx context.Context, v viewer.Viewer, records []Record) (Stored, error) {
	return s.UploadWith(ctx, v, records, RejectAll)
}

// UploadWith is [Service.Upload] that may store the valid records without the others. The
// errors of single records are in their results then, and those that are left are of the
// whole upload: BadRequest for no records or too many, and those of the database.
func (s *Service) UploadWith(
	ctx context.Context, v viewer.Viewer, records []Record, onInvalid OnInvalid,
) (Stored, error) {
	if len(records) == 0 || len(records) > MaxRecords {
		return Stored{}, apperr.BadRequest.WithField("input.logs").WithReason(
			fmt.Sprintf("An upload has 1 to %d records, and this one has %d.", MaxRecords, len(records)))
	}
	// Values are looked at before the database is asked.
	invalid := invalidValues(records)
	if len(invalid) > 0 && onInvalid == RejectAll {
		return Stored{}, invalid.first()
	}
	var results []Result
	err := s.store.Write(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		// A write may run several times, each time on what is stored then.
		results, err = s.upload(ctx, tx, v, records, maps.Clone(invalid), onInvalid)
		return err
	})
	if err != nil {
		return Stored{}, err
	}
	return Stored{
		Results:      results,
		AllTemporary: !slices.ContainsFunc(records, func(r Record) bool { return !r.isTemporary() }),
	}, nil
}

func (s *Service) upload(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record, rejected rejections, onInvalid OnInvalid,
) ([]Result, error) {
	// Uploads of one account wait for each other. So two phones that send the same
	// record at once find one stored log, and events get their numbers in the order
	// in which they are committed.
	if err := tx.Lock(ctx, user.Table, v.RootUserID()); err != nil {
		return nil, err
	}
	children, devices, newest, err := findChildrenAndDevices(ctx, tx, v.RootUserID(), records)
	if err != nil {
		return nil, err
	}
	rejected = rejected.add(v, records, children, devices, onInvalid)
	if len(rejected) > 0 && onInvalid == RejectAll {
		return nil, rejected.first()
	}
	stored, err := loadStored(ctx, tx, rejected.without(records), children, devices)
	if err != nil {
		return nil, err
	}

	// Order: the rules are applied in memory, record by record, because each record
	// meets what those before it left.
	changes := changeSet{rootUserID: v.RootUserID(), now: s.clock(), seq: newest + 1}
	results := make([]Result, len(records))
	for i, r := range records {
		if err := rejected[i]; err != nil {
			results[i] = Result{Verdict: Rejected, Error: err}
			continue
		}
		results[i] = stored[r.DeviceID].apply(&changes, r)
	}
	if err := keepRejected(ctx, tx, v, records, rejected, changes.now); err != nil {
		return nil, err
	}

	// An upload of nothing but replays writes nothing and notifies nobody.
	if changes.isEmpty() {
		return results, nil
	}
	if err := changes.save(ctx, tx); err != nil {
		return nil, err
	}
	if err := s.push.FaultyContacts(ctx, tx, v.RootUserID(), changes.faultyContacts()); err != nil {
		return nil, err
	}
	return results, s.feed.Append(ctx, tx, v.RootUserID(), changes.entries())
}

// loadStored reads what the valid records can meet, by the id of their device.
func loadStored(
	ctx context.Context, tx *store.Tx, valid []Record, children map[int]*ent.ChildUser, devices map[int]*ent.Device,
) (map[int]*deviceLogs, error) {
	stored := make(map[int]*deviceLogs, len(devices))
	for _, r := range valid {
		if stored[r.DeviceID] != nil {
			continue
		}
		// The answer shows of each log its device and child, and of these each other.
		c, d := children[r.ChildUserID], devices[r.DeviceID]
		c.Edges.Device, d.Edges.ChildUser = d, c
		logs, err := loadDeviceLogs(ctx, tx, d, valid)
		if err != nil {
			return nil, err
		}
		stored[d.ID] = logs
	}
	return stored, nil
}

// selectWanted reads the number of the account's newest event, and children and the devices
// that records name with them, of which the values of the first pair are its last words: both
// engines call them column1 and column2, and PostgreSQL takes their types from the first row.
// They are looked for by their ids, each on its own: a record may name a child or a device
// that doesn't exist, or one that isn't the other's. The columns are those of the entities,
// so that a new one is read without a change here.
var selectWanted = "SELECT COALESCE((SELECT event_seq FROM users WHERE id = $1), 0), " +
	column.Values("c", childuser.Columns) + ", " + column.Values("d", device.Columns) +
	" FROM (VALUES (CAST($2 AS bigint), CAST($3 AS bigint))"

const joinWanted = ") AS wanted LEFT JOIN child_users c ON c.id = wanted.column1 LEFT JOIN devices d ON d.id = wanted.column2"

// pair is a child and a device that a record names.
type pair struct{ childUserID, deviceID int }

// findChildrenAndDevices reads the children and devices that the records name, of any
// account, and the number of the newest event of this one, in one statement for any number
// of records. Children and devices that don't exist are missing in the maps.
func findChildrenAndDevices(
	ctx context.Context, tx *store.Tx, rootUserID int, records []Record,
) (children map[int]*ent.ChildUser, devices map[int]*ent.Device, newest int64, err error) {
	pairs := distinctPairs(records)
	args := append(make([]any, 0, 1+2*len(pairs)), rootUserID)
	for _, p := range pairs {
		args = append(args, p.childUserID, p.deviceID)
	}
	query := selectWanted
	if len(pairs) > 1 {
		query += ", " + store.ValueRows(4, len(pairs)-1, 2)
	}
	rows, err := tx.Query(ctx, query+joinWanted, args...)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("load children and devices: %w", err)
	}
	defer func() { _ = rows.Close() }()
	children, devices = make(map[int]*ent.ChildUser, len(pairs)), make(map[int]*ent.Device, len(pairs))
	targets := make([]any, 0, 1+len(childuser.Columns)+len(device.Columns))
	for rows.Next() {
		c, d := &ent.ChildUser{}, &ent.Device{}
		targets = d.AppendTargets(c.AppendTargets(append(targets[:0], &newest), childuser.Columns), device.Columns)
		if err := rows.Scan(targets...); err != nil {
			return nil, nil, 0, fmt.Errorf("scan a child and a device: %w", err)
		}
		// The columns of what isn't there are null, which leaves its id at 0. Of what comes
		// with several others each row has a copy, of which one is kept.
		if c.ID != 0 && children[c.ID] == nil {
			children[c.ID] = c
		}
		if d.ID != 0 && devices[d.ID] == nil {
			devices[d.ID] = d
		}
	}
	return children, devices, newest, rows.Err()
}

// distinctPairs returns each pair once.
func distinctPairs(records []Record) []pair {
	var pairs []pair
	seen := map[pair]bool{}
	for _, r := range records {
		p := pair{r.ChildUserID, r.DeviceID}
		if !seen[p] {
			seen[p] = true
			pairs = append(pairs, p)
		}
	}
	return pairs
}
