package devlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"luxbff/ent"
	"luxbff/ent/vocab"
	"luxbff/internal/apperr"
	"luxbff/internal/store"
	"luxbff/internal/viewer"
)

// maxKept is how many rejected records of one account are kept, the newest: an app that
// sends nothing but garbage takes no more room than one full upload.
const maxKept = MaxRecords

// rejections are the errors of the records that can't be stored, by their place in the
// upload. Each names its record and the field of it that is wrong.
type rejections map[int]*apperr.Error

// invalidValues finds the records with a value that no log may have.
func invalidValues(records []Record) (invalid rejections) {
	for i, r := range records {
		if field := r.invalidField(); field != "" {
			invalid = invalid.with(i, apperr.BadRequest, field)
		}
	}
	return invalid
}

// with adds the error of one record. Most uploads have none, and make no map.
func (r rejections) with(record int, kind apperr.Kind, field string) rejections {
	if r == nil {
		r = rejections{}
	}
	r[record] = kind.WithField(fieldOf(record, field))
	return r
}

// first is the error of the first record that has one, which is that of an upload that
// stores all records or none.
func (r rejections) first() *apperr.Error {
	first := math.MaxInt
	for record := range r {
		first = min(first, record)
	}
	return r[first]
}

// without gives the records that have no error.
func (r rejections) without(records []Record) []Record {
	if len(r) == 0 {
		return records
	}
	valid := make([]Record, 0, len(records)-len(r))
	for i, record := range records {
		if r[i] == nil {
			valid = append(valid, record)
		}
	}
	return valid
}

// add adds the errors of the records whose child or device is not there or not theirs. For
// one record their order decides: the child exists and is the viewer's, the device exists
// under its unique id, and it is registered to that child.
//
// With StoreValid a device of another account never has the unique id that a record names:
// each of a thousand records would otherwise be a guess at it.
func (r rejections) add(
	v viewer.Viewer, records []Record, children map[int]*ent.ChildUser, devices map[int]*ent.Device, onInvalid OnInvalid,
) rejections {
	for i, record := range records {
		if r[i] != nil {
			continue
		}
		c, d := children[record.ChildUserID], devices[record.DeviceID]
		switch {
		case c == nil:
			r = r.with(i, apperr.NotFoundUser, "childUserId")
		case c.RootUserID != v.RootUserID():
			r = r.with(i, apperr.NotAuthorizedUser, "childUserId")
		case d == nil:
			r = r.with(i, apperr.NotFoundDevice, "deviceId")
		case d.UniqueID == nil || *d.UniqueID != record.UniqueID,
			onInvalid == StoreValid && d.RootUserID != nil && *d.RootUserID != v.RootUserID():
			r = r.with(i, apperr.NotFoundDevice, "uniqueId")
		case d.ChildUserID == nil || *d.ChildUserID != record.ChildUserID:
			r = r.with(i, apperr.NotConnectedDevice, "deviceId")
		}
	}
	return r
}

// fieldOf names a field of one record as GraphQL's input does: a client that sends many
// records has to learn which one is wrong.
func fieldOf(record int, name string) string {
	return "input.logs[" + strconv.Itoa(record) + "]." + name
}

// invalidField names the first field with a value that no log may have, or is empty.
func (r Record) invalidField() string {
	switch {
	case !r.storedDate().Valid(): // 30 seconds before the year 1 is no date either
		return "treatmentDate"
	case r.FinishFlag != nil && !r.FinishFlag.Valid():
		return "finishFlag"
	case !isCount(r.LastIntensity):
		return "lastIntensity"
	case !isCount(r.TreatmentTime):
		return "treatmentTime"
	case r.LogFileID != nil && !isCount(*r.LogFileID):
		return "logFileId"
	}
	return ""
}

// isCount reports whether n is 0 or more and can be shown as GraphQL's Int, which has
// 32 bits.
func isCount(n int) bool { return n >= 0 && n <= math.MaxInt32 }

// keptRecord is how a rejected record is kept: with the names of DevlogInput, by which the
// developers of the app know it. Its first member is the child, by which package child finds
// those of a child that is deleted.
type keptRecord struct {
	ChildUserID     int                 `json:"childUserId"`
	DeviceID        int                 `json:"deviceId"`
	UniqueID        string              `json:"uniqueId"`
	TreatmentDate   vocab.LocalDateTime `json:"treatmentDate"`
	TreatmentOffset *string             `json:"treatmentOffset,omitempty"`
	FinishFlag      *vocab.FinishFlag   `json:"finishFlag,omitempty"`
	LastIntensity   int                 `json:"lastIntensity"`
	TreatmentTime   int                 `json:"treatmentTime"`
	LogFileID       *int                `json:"logFileId,omitempty"`
}

// maxKeptText is how many bytes of a text of a rejected record are kept: enough to see what it is.
const maxKeptText = 200

// keep gives the record as it is kept. Its texts may be anything that was sent.
func (r Record) keep() keptRecord {
	kept := keptRecord(r)
	kept.UniqueID = kept.UniqueID[:min(len(kept.UniqueID), maxKeptText)]
	kept.TreatmentDate = kept.TreatmentDate[:min(len(kept.TreatmentDate), maxKeptText)]
	return kept
}

const (
	keepRejection = `INSERT INTO rejected_devlogs (root_user_id, digest, record, code, field, times, created_at, rejected_at) VALUES %s
	ON CONFLICT (root_user_id, digest) DO UPDATE SET code = excluded.code, field = excluded.field,
	times = rejected_devlogs.times + 1, rejected_at = excluded.rejected_at`

	// dropOldest keeps the newest maxKept of an account.
	dropOldest = `DELETE FROM rejected_devlogs WHERE root_user_id = $1 AND id <=
	(SELECT id FROM rejected_devlogs WHERE root_user_id = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)`
)

// keepRejected keeps the rejected records for the operator. One that was kept before, as a
// phone may send it again with each upload, is counted in its row. The account is locked.
func keepRejected(
	ctx context.Context, tx *store.Tx, v viewer.Viewer, records []Record, rejected rejections, now time.Time,
) error {
	if len(rejected) == 0 {
		return nil
	}
	const columns = 8
	args := make([]any, 0, columns*len(rejected))
	seen := map[string]bool{}
	for i, r := range records {
		if rejected[i] == nil {
			continue
		}
		record, err := json.Marshal(r.keep())
		if err != nil {
			return fmt.Errorf("write a rejected devlog: %w", err)
		}
		sum := sha256.Sum256(record)
		digest := hex.EncodeToString(sum[:])
		if seen[digest] {
			continue // one statement can't change a row twice
		}
		seen[digest] = true
		field := rejected[i].Field
		args = append(args, v.RootUserID(), digest, string(record), rejected[i].Code(), field[strings.LastIndexByte(field, '.')+1:], 1, now, now)
	}
	query := fmt.Sprintf(keepRejection, store.ValueRows(1, len(seen), columns))
	if _, err := tx.Exec(ctx, query, args...); err != nil {
		return fmt.Errorf("keep %d rejected devlogs: %w", len(seen), err)
	}
	if _, err := tx.Exec(ctx, dropOldest, v.RootUserID(), v.RootUserID(), maxKept); err != nil {
		return fmt.Errorf("drop the oldest rejected devlogs: %w", err)
	}
	return nil
}
