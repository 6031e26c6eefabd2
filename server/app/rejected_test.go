package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"luxbff/internal/testutil/apptest"
)

const storeValid = `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs, onInvalid: STORE_VALID}) {
	devlogs { logFileId } results { verdict devlog { logFileId } error { code message field } } } }`

type storeValidData struct {
	UploadDevlogs struct {
		Devlogs []struct{ LogFileID int }
		Results []struct {
			Verdict string
			Devlog  *struct{ LogFileID int }
			Error   *struct{ Code, Message, Field string }
		}
	}
}

// TestOneBadLogHoldsUpNoOther uploads logs of which one can't be stored, for each reason that
// there is, a thousand at once for the first. The others are stored, and each log has its
// verdict.
func TestOneBadLogHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	other, _ := s.Parent(t)
	foreign := s.CreateChild(t, other)
	const badRequest = "INVALID_REQUEST_OR_MISSING_PARAMETERS"
	first, n := 1, 1000
	for name, c := range map[string]struct {
		member string
		value  any
		code   string
		field  string // that of member if empty
	}{
		"an impossible date":      {"treatmentDate", "2025-02-30T15:48:49", badRequest, ""},
		"no date at all":          {"treatmentDate", "", badRequest, ""},
		"a date beyond all bound": {"treatmentDate", strings.Repeat("9", 2000) + "\x00", badRequest, ""},
		"an intensity below 0":    {"lastIntensity", -1, badRequest, ""},
		"a file below 0":          {"logFileId", -1, badRequest, ""},
		"an unknown child":        {"childUserId", 999, "NOT_FOUND_USER", ""},
		"another account's child": {"childUserId", foreign.ID, "NOT_AUTHORIZED_USER", ""},
		"an unknown device":       {"deviceId", 999, "NOT_FOUND_DEVICE", ""},
		"another unique id":       {"uniqueId", "unique1", "NOT_FOUND_DEVICE", ""},
		"a sister's device":       {"childUserId", 2, "NOT_CONNECTED_DEVICE", "deviceId"},
	} {
		records, bad := logs(1, first, first+n-1), n/2
		records[bad][c.member] = c.value
		var data storeValidData
		s.Data(t, token, storeValid, map[string]any{"logs": records}, &data)
		got := data.UploadDevlogs
		if len(got.Devlogs) != n-1 || len(got.Results) != n {
			t.Fatalf("%s: %d logs and %d results", name, len(got.Devlogs), len(got.Results))
		}
		field := c.field
		if field == "" {
			field = c.member
		}
		for i, r := range got.Results {
			switch {
			case i == bad && (r.Verdict != "REJECTED" || r.Devlog != nil || r.Error == nil || r.Error.Message == "" ||
				r.Error.Code != c.code || r.Error.Field != fmt.Sprintf("input.logs[%d].%s", bad, field)):
				t.Errorf("%s: %+v, error %+v", name, r, r.Error)
			case i != bad && (r.Verdict != "STORED" || r.Error != nil || r.Devlog.LogFileID != first+i):
				t.Errorf("%s: log %d is %+v", name, i, r)
			}
		}
		first += n
		n = 20
	}
	// A guess at the unique id of another account's device fails whether or not it is right.
	guesses := logs(1, 1, 2)
	guesses[0]["deviceId"], guesses[0]["uniqueId"] = foreign.DeviceID, foreign.UniqueID
	guesses[1]["deviceId"], guesses[1]["uniqueId"] = foreign.DeviceID, "another"
	var data storeValidData
	s.Data(t, token, storeValid, map[string]any{"logs": guesses}, &data)
	for i, r := range data.UploadDevlogs.Results {
		if r.Error == nil || r.Error.Code != "NOT_FOUND_DEVICE" || r.Error.Field != fmt.Sprintf("input.logs[%d].uniqueId", i) {
			t.Errorf("guess %d is answered %+v", i, r.Error)
		}
	}
	if stored := len(s.Rows(t, "devlogs", apptest.Columns{})); stored != first-1-10 {
		t.Errorf("%d logs are stored, want %d", stored, first-1-10)
	}
	if kept := s.Rows(t, "rejected_devlogs", apptest.Columns{}); len(kept) != 12 {
		t.Errorf("%d are kept for the operator: %v", len(kept), kept)
	}
}

// TestVerdicts has each verdict once, over every transport.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for transport, connect := range executors() {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t)
			token, _ := s.Parent(t)
			grow(t, s, token, 0, 1)
			upload(t, s, token, 1, 1)
			records := logs(1, 1, 3)
			records[1]["uniqueId"] = "another"
			late := logs(1, 4, 4)[0] // of the treatment that file 1 has completed
			late["treatmentDate"] = strings.Replace(fmt.Sprint(records[0]["treatmentDate"]), "15:48:49", "15:49:19", 1)
			delete(late, "finishFlag")
			delete(late, "logFileId")
			records = append(records, late)
			got := connect(t, s, token)(t, map[string]any{
				"query": `mutation($logs: [DevlogInput!]!) { uploadDevlogs(input: {logs: $logs, onInvalid: STORE_VALID}) {
					results { verdict devlog { logFileId } error { field } } } }`,
				"variables": map[string]any{"logs": records},
			})
			const want = `"results":[{"verdict":"REPLAYED","devlog":{"logFileId":1},"error":null},` +
				`{"verdict":"REJECTED","devlog":null,"error":{"field":"input.logs[1].uniqueId"}},` +
				`{"verdict":"STORED","devlog":{"logFileId":3},"error":null},` +
				`{"verdict":"LATE","devlog":{"logFileId":1},"error":null}]`
			if !strings.Contains(got, want) {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestRejectedLogsAreBounded sends bad logs again and again: one that comes again is
// counted, no account has more than a thousand of them, and after 90 days they are gone.
func TestRejectedLogsAreBounded(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	send := func(from, to int) {
		t.Helper()
		records := logs(1, from, to)
		for _, r := range records {
			r["uniqueId"] = "another"
		}
		var data storeValidData
		s.Data(t, token, storeValid, map[string]any{"logs": append(records, records[0])}, &data)
		for _, r := range data.UploadDevlogs.Results {
			if r.Verdict != "REJECTED" {
				t.Fatalf("%+v", r)
			}
		}
	}
	send(1, 2)
	send(1, 2)
	times := apptest.Columns{Ignored: []string{"digest", "created_at", "rejected_at"}}
	const record = `{"childUserId":1,"deviceId":1,"uniqueId":"another","treatmentDate":"2025-02-02T15:48:49","finishFlag":2,` +
		`"lastIntensity":25,"treatmentTime":500000,"logFileId":1}`
	kept := s.Rows(t, "rejected_devlogs", times)
	if len(kept) != 2 || !strings.Contains(fmt.Sprint(kept[0]), record) {
		t.Errorf("%v", kept)
	}
	send(1000, 1998)
	send(2000, 2998)
	if kept = s.Rows(t, "rejected_devlogs", times); len(kept) != 1000 {
		t.Errorf("%d rows are kept", len(kept))
	}
	s.Clock.Add(91 * 24 * time.Hour)
	if err := s.App.Devlogs.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept = s.Rows(t, "rejected_devlogs", times); len(kept) != 0 {
		t.Errorf("%d rows are kept for ever", len(kept))
	}
}

// TestRejectedLogsGoWithChildAndAccount: what was kept of a child goes when it is deleted, and
// all that was kept goes with the account.
func TestRejectedLogsGoWithChildAndAccount(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	other, _ := s.Parent(t)
	s.CreateChild(t, other)
	reject := func(token string, children ...int) {
		t.Helper()
		var records []map[string]any
		for _, child := range children {
			record := logs(child, 1, 1)[0]
			record["lastIntensity"] = -1
			records = append(records, record)
		}
		s.Data(t, token, storeValid, map[string]any{"logs": records}, &storeValidData{})
	}
	want := func(after string, rows int) {
		t.Helper()
		if kept := s.Rows(t, "rejected_devlogs", apptest.Columns{}); len(kept) != rows {
			t.Errorf("after %s %d are kept, want %d: %v", after, len(kept), rows, kept)
		}
	}
	// The third child is another account's, and there is no twelfth, whose number begins as
	// that of the first.
	reject(token, 1, 2, 3, 12)
	reject(other, 3)
	want("the uploads", 5)
	s.Data(t, token, `mutation { deleteChildUser(input: {childUserId: 1, uniqueId: "unique0"}) { childUserId } }`, nil, &struct{}{})
	want("the child was deleted", 4)
	s.Data(t, token, `mutation { deleteAccount { ok } }`, nil, &struct{}{})
	want("the account was deleted", 1)
}
