package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/apptest"
	"luxbff/internal/testutil/gziptest"
	"luxbff/internal/testutil/zstdtest"
)

const (
	formType  = "application/x-www-form-urlencoded"
	multiType = "multipart/form-data; boundary=limit"
	bom       = "\xef\xbb\xbf"
)

// habit is a way in which HTTP clients send a body. Its change is false for a body that
// cannot be sent so.
type habit struct {
	name   string
	change func(*testing.T, *request) bool
}

func habits() []habit {
	return []habit{
		{"compressed, with a byte order mark, of unknown length, called a form", func(t *testing.T, r *request) bool {
			t.Helper()
			r.body = []byte(gziptest.Compress(t, bom+"\r\n"+string(r.body)+"\r\n"))
			r.header.Set("Content-Encoding", "gzip")
			r.header.Set("Content-Type", formType)
			r.chunked = true
			return true
		}},
		{"compressed with zstd, of unknown length", func(t *testing.T, r *request) bool {
			t.Helper()
			r.body = []byte(zstdtest.Stream(t, string(r.body)))
			r.header.Set("Content-Encoding", "zstd")
			r.chunked = true
			return true
		}},
		{"numbers with a point or an exponent, called text", func(t *testing.T, r *request) bool {
			t.Helper()
			tree, places := parseBody(t, r.body), 0
			r.body = marshalBody(t, respellNumbers(tree, &places))
			r.header.Set("Content-Type", "text/plain; charset=utf-8")
			return places > 0
		}},
		{"a form", func(t *testing.T, r *request) bool {
			t.Helper()
			fields, ok := flatten(parseBody(t, r.body))
			form := url.Values{}
			for name, text := range fields {
				form.Set(name, text)
			}
			r.body = []byte(form.Encode())
			r.header.Set("Content-Type", formType)
			return ok
		}},
		{"a multipart form", func(t *testing.T, r *request) bool {
			t.Helper()
			fields, ok := flatten(parseBody(t, r.body))
			r.body = multipartForm(t, fields)
			r.header.Set("Content-Type", multiType)
			return ok
		}},
	}
}

// TestHabitsOfClients sends the first request of each case file as other HTTP clients
// would. Each has to be answered as the page has it, and to change as many rows.
func TestHabitsOfClients(t *testing.T) {
	t.Parallel()
	for _, f := range filesWithBody(t) {
		t.Run(f.method+" "+f.route, func(t *testing.T) {
			t.Parallel()
			asWritten := func(*testing.T, *request) bool { return true }
			status, changes, _ := f.sendAs(t, asWritten)
			for _, h := range habits() {
				got, changed, possible := f.sendAs(t, h.change)
				if possible && (got.Status != status.Status || changed != changes) {
					t.Errorf("%s: %d %s and %s, want %d and %s", h.name, got.Status, got.Body, changed, status.Status, changes)
				}
			}
		})
	}
}

// filesWithBody are the case files whose first request has a body.
func filesWithBody(t *testing.T) []*file {
	t.Helper()
	var found []*file
	for _, folder := range folders() {
		for _, f := range readFiles(t, folder) {
			if first := readRequest(t, repair(f.first())); len(first.body) > 0 {
				found = append(found, f)
			}
		}
	}
	return found
}

// sendAs sends the first request of a file to a fresh program, changed, and gives the
// response and how many rows changed.
func (f *file) sendAs(t *testing.T, change func(*testing.T, *request) bool) (apptest.Response, string, bool) {
	t.Helper()
	r := &run{T: t, file: f, variant: variants(f.folder())[0], values: map[string]string{}}
	sent := r.first()
	if !change(t, &sent) {
		return apptest.Response{}, "", false
	}
	before := r.server().Dump(t)
	response := sent.serve(r.server())
	return response, countChanges(before, r.server().Dump(t)), true
}

func (f *file) folder() string {
	parts := strings.Split(f.path, "/")
	return parts[len(parts)-2]
}

// countChanges says how many rows of each table are gone or new.
func countChanges(before, after map[string][]string) string {
	counts := map[string][2]int{}
	for table := range after {
		gone, added := difference(before[table], after[table]), difference(after[table], before[table])
		if gone+added > 0 {
			counts[table] = [2]int{gone, added}
		}
	}
	return fmt.Sprint(counts)
}

func difference(of, without []string) (count int) {
	for _, row := range of {
		if !slices.Contains(without, row) {
			count++
		}
	}
	return count
}

func parseBody(t *testing.T, body []byte) (tree any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		t.Fatalf("the body %s: %v", body, err)
	}
	return tree
}

func marshalBody(t *testing.T, tree any) []byte {
	t.Helper()
	body, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// respellNumbers writes every whole number in another form, and counts them.
func respellNumbers(value any, count *int) any {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = respellNumbers(member, count)
		}
	case []any:
		for i, item := range v {
			v[i] = respellNumbers(item, count)
		}
	case json.Number:
		if strings.Contains(v.String(), ".") {
			return v
		}
		*count++
		suffixes := []string{".0", "e0", ".00E+0", "0e-1"}
		return v + json.Number(suffixes[*count%len(suffixes)])
	}
	return value
}

// flatten gives the members of an object as the texts of a form, and false for a body
// that no form can hold.
func flatten(tree any) (fields map[string]string, ok bool) {
	object, ok := tree.(map[string]any)
	fields = map[string]string{}
	for name, value := range object {
		switch v := value.(type) {
		case string:
			fields[name] = v
		case json.Number, bool:
			fields[name] = fmt.Sprint(v)
		default:
			ok = false
		}
	}
	return fields, ok
}

func multipartForm(t *testing.T, fields map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	err := w.SetBoundary("limit")
	for name, text := range fields {
		err = errors.Join(err, w.WriteField(name, text))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestUnreadableBodies sends what cannot be read to every route that reads a body. None
// of it may be taken for a body that has nothing to say.
func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	for _, f := range filesWithBody(t) {
		t.Run(f.method+" "+f.route, func(t *testing.T) {
			t.Parallel()
			r := &run{T: t, file: f, variant: variants(f.folder())[0], values: map[string]string{}}
			valid := r.first()
			before := r.server().Dump(t)
			for _, sent := range unreadable(t, valid) {
				response := sent.serve(r.server())
				checkSchema(t, sent.request, response)
				if response.Status != sent.status {
					t.Errorf("%s: %d %s, want %d", sent.name, response.Status, response.Body, sent.status)
				}
				if got := response.Header.Get("Accept-Encoding"); (got == "gzip, zstd") != (sent.status == http.StatusUnsupportedMediaType) {
					t.Errorf("%s: Accept-Encoding is %q", sent.name, got)
				}
			}
			if diff := cmp.Diff(before, r.server().Dump(t)); diff != "" {
				t.Errorf("rows have changed:\n%s", diff)
			}
		})
	}
}

// unreadableBody is one, and the status that it is refused with.
type unreadableBody struct {
	name   string
	status int
	request
}

func unreadable(t *testing.T, valid request) []unreadableBody {
	t.Helper()
	var all []unreadableBody
	add := func(name string, status int, change func(*request)) {
		sent := valid
		sent.header = valid.header.Clone()
		change(&sent)
		all = append(all, unreadableBody{name, status, sent})
	}
	text := string(valid.body)
	bodies := []string{
		"null", "42", "true", `"text"`, `"a=b"`, "hello", "first_name", `<a b="c"/>`, text[:len(text)/2], "{", "[", text + "x", text + text,
		"{first_name: 'a'}", "\xff\xfe{\x00}\x00", "a=%", "a=b&c=%zz", "a=b;c=d", "=", "=a", "&", "&&", "a b=c", "--limit\r\n", "--limit--x",
		"--limit\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb", "--limit\r\n\r\nb\r\n--limit--",
		"--limit\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--limit--",
	}
	for _, kind := range []string{"", "application/json", formType, multiType, "multipart/form-data", "text/plain", "application/xml", "no type; at all"} {
		for _, body := range bodies {
			add(fmt.Sprintf("%.40q as %q", body, kind), http.StatusBadRequest, func(r *request) {
				r.header.Set("Content-Type", kind)
				r.body = []byte(body)
			})
		}
	}
	long := `{"padding": "` + strings.Repeat("a", 10<<20) + `",` + strings.TrimPrefix(strings.TrimSpace(text), "{")
	add("10 MB", http.StatusRequestEntityTooLarge, func(r *request) { r.body = []byte(long) })
	add("10 MB of unknown length", http.StatusRequestEntityTooLarge, func(r *request) { r.body, r.chunked = []byte(long), true })
	encoded := func(name, coding string, status int, body []byte) {
		add(name, status, func(r *request) {
			r.header.Set("Content-Encoding", coding)
			r.body = body
		})
	}
	encoded("no archive of zstd", "zstd", http.StatusBadRequest, valid.body)
	encoded("10 MB in zstd", "zstd", http.StatusRequestEntityTooLarge, []byte(zstdtest.Compress(t, long)))
	encoded("half an archive of zstd", "zstd", http.StatusBadRequest, []byte(zstdtest.Compress(t, text)[:len(text)/4]))
	archive := []byte(gziptest.Compress(t, text))
	broken := bytes.Clone(archive)
	broken[len(broken)-8] ^= 1 // the checksum
	encoded("10 MB in 10 KB", "gzip", http.StatusRequestEntityTooLarge, []byte(gziptest.Compress(t, long)))
	encoded("no archive", "gzip", http.StatusBadRequest, valid.body)
	encoded("half an archive", "gzip", http.StatusBadRequest, archive[:len(archive)/2])
	encoded("a broken archive", "gzip", http.StatusBadRequest, broken)
	encoded("something after the archive", "gzip", http.StatusBadRequest, append(bytes.Clone(archive), "more"...))
	encoded("an archive in an archive", "gzip, gzip", http.StatusUnsupportedMediaType, []byte(gziptest.Compress(t, string(archive))))
	for _, coding := range []string{"br", "deflate", "compress", "gzip, br", "gzip, zstd", "nonsense"} {
		encoded("Content-Encoding: "+coding, coding, http.StatusUnsupportedMediaType, archive)
	}
	return all
}

// TestTooManyRecords sends one record more than an upload may hold, in each form that an
// upload has.
func TestTooManyRecords(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	child := s.CreateChild(t, token)
	records := make([]string, 1001)
	for i := range records {
		records[i] = fmt.Sprintf(`{"real_user_id": %d, "device_id": %d, "unique_id": %q, "log_file_id": %d, "detail_data":
			{"treatment_date": "2025-02-21T15:48:49", "finish_flag": "2", "last_intensity": 2, "treatment_time": 600}}`,
			child.ID, child.DeviceID, child.UniqueID, i)
	}
	for _, surface := range []string{"/api/v1/lux", "/api/v1/addnox", "/api/v1/withnox"} {
		for _, form := range []string{`{"log_arrays": [%s]}`, `[%s]`} {
			send := func(records []string) apptest.Response {
				return s.Call(t, http.MethodPost, surface+"/device/devlog", token, fmt.Sprintf(form, strings.Join(records, ",")))
			}
			before := s.Dump(t)
			if got := send(records); got.Status != http.StatusBadRequest || !hasText(got, "Invalid request or missing parameters") {
				t.Errorf("%s: %d %s", surface, got.Status, got.Body)
			}
			if diff := cmp.Diff(before, s.Dump(t)); diff != "" {
				t.Errorf("%s: rows have changed:\n%s", surface, diff)
			}
			if got := send(records[1:]); got.Status != http.StatusOK {
				t.Errorf("%s: a thousand records: %d %s", surface, got.Status, got.Body)
			}
		}
	}
}

// serve hands the request to the program's handler without a connection.
func (r request) serve(s *apptest.Server) apptest.Response {
	var body io.Reader = bytes.NewReader(r.body)
	if r.chunked {
		body = io.MultiReader(body) // whose length nobody knows before
	}
	sent := httptest.NewRequest(r.method, r.target, body)
	sent.Header = r.header
	w := httptest.NewRecorder()
	s.App.Handler().ServeHTTP(w, sent)
	return apptest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
}
