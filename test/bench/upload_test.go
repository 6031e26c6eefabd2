package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"luxbff/ent/vocab"
	"luxbff/internal/auth/token"
	"luxbff/internal/store"
	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/storetest"
	"luxbff/server/app"
	"luxbff/server/heap"
)

const (
	uploadPhones = 64
	// recordsOfARound is about how many records all phones together send before it is the
	// other server's turn.
	recordsOfARound = 1280
)

// BenchmarkUpload uploads complete logs from 64 phones at once, each on a connection and
// with a device of its own, in batches of 1, 10 and 100: to the program in GraphQL and by
// REST, and to a bare net/http handler that verifies the same token and writes the same
// rows with the same group commit by statements made for this one upload. They take turns,
// and each answer means that the logs are on disk. The metrics "ratio" and "rest-ratio" are
// the program's rates divided by that of the bare handler. The client shares the processors
// and is part of the CPU time of all. LUXBFF_TEST_DATABASE_URL picks the engine.
//
//	go test -run '^$' -bench Upload -benchtime 20x ./test/bench
func BenchmarkUpload(b *testing.B) {
	go heap.Tune(b.Context(), os.Getenv("GOGC")) // as the program does
	for _, batch := range []int{1, 10, 100} {
		b.Run(strconv.Itoa(batch), func(b *testing.B) { benchUpload(b, batch) })
	}
}

func benchUpload(b *testing.B, batch int) {
	b.Helper()
	s := apptest.Start(b, func(c *app.Config) { c.DatabaseURL = storetest.URL(b) })
	bare := httptest.NewServer(newBareUpload(b, s, batch))
	b.Cleanup(bare.Close)
	phones := make([]*phone, uploadPhones)
	for i := range phones {
		phones[i] = &phone{Family: s.NewFamily(b)}
	}
	document := apptest.Sample(b, "upload").Document
	graphQL := newUploaders(b, phones, s.Listener.Addr(), batch, "POST /graphql", `"lastLogFileId"`, func(logs []uploadLog) any {
		return map[string]any{"query": document, "variables": map[string]any{"logs": logs}}
	})
	routes := newUploaders(b, phones, s.Listener.Addr(), batch, "POST "+apptest.LUX+"/device/devlog", "successfully", newRESTUpload)
	plain := newUploaders(b, phones, bare.Listener.Addr(), batch, "POST /upload", `"lastLogFileId"`, func(logs []uploadLog) any {
		return bareUploadRequest{logs}
	})

	var inGraphQL, byREST, theirs spent
	for b.Loop() {
		inGraphQL.add(graphQL.run(b))
		byREST.add(routes.run(b))
		theirs.add(plain.run(b))
	}
	uploads := float64(b.N * uploadsOfARound(batch) * uploadPhones)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(theirs.wall.Seconds()/inGraphQL.wall.Seconds(), "ratio")
	b.ReportMetric(theirs.wall.Seconds()/byREST.wall.Seconds(), "rest-ratio")
	b.ReportMetric(uploads/inGraphQL.wall.Seconds(), "req/s")
	b.ReportMetric(uploads/byREST.wall.Seconds(), "rest-req/s")
	b.ReportMetric(uploads/theirs.wall.Seconds(), "bare-req/s")
	b.ReportMetric(inGraphQL.cpu.Seconds()*1e6/uploads, "cpu-us/req")
	b.ReportMetric(byREST.cpu.Seconds()*1e6/uploads, "rest-cpu-us/req")
	b.ReportMetric(theirs.cpu.Seconds()*1e6/uploads, "bare-cpu-us/req")
}

// uploadClients are phones that upload to one address, each over a kept-alive connection.
type uploadClients struct {
	phones      []*phone
	connections []*connection
	batch       int
	route       string
	body        func([]uploadLog) any
}

// phone is one phone, whichever server it uploads to.
type phone struct {
	apptest.Family

	lastFile int // number of the last log file that it has sent
}

// uploadLog is a log as the input of GraphQL has it.
type uploadLog struct {
	ChildUserID   int    `json:"childUserId,string"`
	DeviceID      int    `json:"deviceId,string"`
	UniqueID      string `json:"uniqueId"`
	TreatmentDate string `json:"treatmentDate"`
	FinishFlag    string `json:"finishFlag"`
	LastIntensity int    `json:"lastIntensity"`
	TreatmentTime int    `json:"treatmentTime"`
	LogFileID     int    `json:"logFileId"`
}

// newUploaders connects the phones. wanted is a part of each answer.
func newUploaders(
	b *testing.B, phones []*phone, address net.Addr, batch int, route, wanted string, body func([]uploadLog) any,
) *uploadClients {
	b.Helper()
	all := &uploadClients{phones: phones, batch: batch, route: route, body: body}
	for range phones {
		all.connections = append(all.connections, dial(b, address, wanted))
	}
	all.run(b)
	return all
}

// run sends one round of uploads over all connections at once.
func (u *uploadClients) run(b *testing.B) spent {
	b.Helper()
	uploads := uploadsOfARound(u.batch)
	for i, phone := range u.phones {
		u.connections[i].requests = nil
		for range uploads {
			u.connections[i].requests = append(u.connections[i].requests, u.request(phone))
		}
	}
	return runRequests(b, u.connections, uploads)
}

// request makes the next upload of a phone.
func (u *uploadClients) request(of *phone) []byte {
	logs := make([]uploadLog, u.batch)
	for i := range logs {
		of.lastFile++
		logs[i] = uploadLog{
			ChildUserID: of.Child.ID, DeviceID: of.DeviceID, UniqueID: of.UniqueID,
			TreatmentDate: time.Date(2025, 1, 1, 0, of.lastFile, 0, 0, time.UTC).Format("2006-01-02T15:04:05"),
			FinishFlag:    "BUTTON_SHUTDOWN", LastIntensity: 25, TreatmentTime: 3600, LogFileID: of.lastFile,
		}
	}
	return newRequest(u.route, of.Token, string(mustJSON(u.body(logs))))
}

func uploadsOfARound(batch int) int { return max(2, recordsOfARound/uploadPhones/batch) }

// newRESTUpload is the body of the LUX route.
func newRESTUpload(logs []uploadLog) any {
	records := make([]map[string]any, len(logs))
	for i, l := range logs {
		records[i] = map[string]any{
			"real_user_id": l.ChildUserID, "device_id": l.DeviceID, "unique_id": l.UniqueID, "log_file_id": l.LogFileID,
			"detail_data": map[string]any{
				"treatment_date": l.TreatmentDate, "finish_flag": int(vocab.ButtonShutdown),
				"last_intensity": l.LastIntensity, "treatment_time": l.TreatmentTime,
			},
		}
	}
	return map[string]any{"log_arrays": records}
}

// bareUpload is the handler that one would write for this one upload alone: complete logs
// of one device with a log_file_id each, none of which is stored yet. It reads what the
// program reads to know that, and writes the same rows in five statements.
type bareUpload struct {
	keys  *token.Keys
	now   func() time.Time
	store *store.Store
	// Statements for the number of records in each upload.
	stored, insertLogs, insertEvents string
}

type (
	bareUploadRequest struct {
		Logs []uploadLog `json:"logs"`
	}
	bareUploadData struct {
		UploadDevlogs struct {
			Devlogs []bareUploaded `json:"devlogs"`
		} `json:"uploadDevlogs"`
	}
	bareUploaded struct {
		ID            int    `json:"id,string"`
		Status        string `json:"status"`
		TreatmentDate string `json:"treatmentDate"`
		FinishFlag    string `json:"finishFlag"`
		Device        struct {
			LastLogFileID int `json:"lastLogFileId"`
		} `json:"device"`
	}
)

const (
	takeNumbers = `UPDATE users SET event_seq = event_seq + $1 WHERE id = $2 RETURNING event_seq`
	ownDevice   = `SELECT d.registration, d.last_log_file_id FROM devices d JOIN child_users c ON c.id = d.child_user_id
		WHERE d.id = $1 AND d.unique_id = $2 AND c.id = $3 AND c.root_user_id = $4`
	raiseLastFile = `UPDATE devices SET last_log_file_id = $1 WHERE id = $2`
)

// newBareUpload makes the handler with a store of its own on the program's database.
func newBareUpload(b *testing.B, s *apptest.Server, batch int) http.Handler {
	b.Helper()
	return &bareUpload{
		keys: token.DevelopmentKeys(), now: s.Clock.Now, store: storetest.OpenAt(b, s.App.Config.DatabaseURL),
		stored: `SELECT id FROM devlogs WHERE child_user_id = $1 AND device_id = $2 AND status = 'TEMPORARY'
			UNION ALL SELECT id FROM devlogs WHERE device_id = $2 AND registration = $3 AND log_file_id IN (` +
			placeholders(4, batch) + `)`,
		insertLogs: `INSERT INTO devlogs (root_user_id, child_user_id, device_id, registration, status, finish_flag,
			treatment_date, last_intensity, treatment_time, log_file_id, created_at, updated_at) VALUES ` +
			rowsOf(batch, 12) + ` RETURNING id`,
		insertEvents: `INSERT INTO devlog_events (root_user_id, seq, devlog_id, child_user_id, device_id, change, status,
			finish_flag, treatment_date, last_intensity, treatment_time, log_file_id, last_log_file_id, devlog_created_at,
			occurred_at) VALUES ` + rowsOf(batch, 15),
	}
}

// placeholders lists n of them.
func placeholders(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// rowsOf lists the placeholders of rows.
func rowsOf(rows, columns int) string {
	all := make([]string, rows)
	for i := range all {
		all[i] = "(" + placeholders(1+i*columns, columns) + ")"
	}
	return strings.Join(all, ", ")
}

// ServeHTTP stores the logs and answers with them.
func (h *bareUpload) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	claims, err := h.keys.Verify(text, h.now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	var sent bareUploadRequest
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var data bareUploadData
	err = h.store.Write(r.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		data.UploadDevlogs.Devlogs, err = h.save(ctx, tx, claims.RootUserID, sent.Logs)
		return err
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	encoded, err := json.Marshal(map[string]bareUploadData{"data": data})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded)
}

// save takes the numbers of the events first, which locks the account's row.
func (h *bareUpload) save(ctx context.Context, tx *store.Tx, rootUserID int, logs []uploadLog) ([]bareUploaded, error) {
	var seq, registration, lastFile int
	child, device := logs[0].ChildUserID, logs[0].DeviceID
	if err := scanOne(ctx, tx, takeNumbers, []any{len(logs), rootUserID}, &seq); err != nil {
		return nil, err
	}
	seq -= len(logs)
	if err := scanOne(ctx, tx, ownDevice, []any{device, logs[0].UniqueID, child, rootUserID}, &registration, &lastFile); err != nil {
		return nil, err
	}
	stored := []any{child, device, registration}
	for _, l := range logs {
		stored = append(stored, l.LogFileID)
	}
	if ids, err := scanIDs(ctx, tx, h.stored, stored); err != nil || len(ids) > 0 {
		return nil, errors.Join(err, fmt.Errorf("%d logs are stored already", len(ids)))
	}

	var flag vocab.FinishFlag
	if err := flag.UnmarshalGQL(logs[0].FinishFlag); err != nil {
		return nil, err
	}
	now := h.now()
	rows := make([]any, 0, 12*len(logs))
	for _, l := range logs {
		rows = append(rows, rootUserID, child, device, registration, "COMPLETE", int(flag), l.TreatmentDate,
			l.LastIntensity, l.TreatmentTime, l.LogFileID, now, now)
	}
	ids, err := scanIDs(ctx, tx, h.insertLogs, rows)
	if err != nil {
		return nil, err
	}
	answer := make([]bareUploaded, len(logs))
	events := make([]any, 0, 15*len(logs))
	for i, l := range logs {
		lastFile = max(lastFile, l.LogFileID)
		events = append(events, rootUserID, seq+i+1, ids[i], child, device, "COMPLETED", "COMPLETE", int(flag), l.TreatmentDate,
			l.LastIntensity, l.TreatmentTime, l.LogFileID, lastFile, now, now)
		answer[i] = bareUploaded{ID: ids[i], Status: "COMPLETE", TreatmentDate: l.TreatmentDate, FinishFlag: l.FinishFlag}
	}
	for i := range answer {
		answer[i].Device.LastLogFileID = lastFile
	}
	if _, err := tx.Exec(ctx, h.insertEvents, events...); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, raiseLastFile, lastFile, device)
	return answer, err
}

// scanOne reads the columns of one row.
func scanOne(ctx context.Context, tx *store.Tx, query string, args []any, into ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return errors.Join(rows.Err(), errors.New("no row"))
	}
	return rows.Scan(into...)
}

func scanIDs(ctx context.Context, tx *store.Tx, query string, args []any) (ids []int, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
