package app_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"luxbff/internal/testutil/apptest"
)

// devlogHistory asks for enough to be worth compressing.
const devlogHistory = `{ childUsers { devlogs(first: 50) { edges { cursor node { id status treatmentDate finishFlag } } } } }`

// TestAnswersAreCompressed asks for long answers of each kind, by clients that accept this and
// that, and holds that each gets the same in the encoding that it prefers.
func TestAnswersAreCompressed(t *testing.T) {
	t.Parallel()
	s := startForEncodings(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 10)
	upload(t, s, token, 1, 50)
	for name, asked := range map[string]question{
		"GraphQL by POST": {method: http.MethodPost, path: "/graphql", document: devlogHistory},
		"GraphQL by GET":  {method: http.MethodGet, path: "/graphql?query=" + url.QueryEscape(devlogHistory)},
		"introspection":   {method: http.MethodPost, path: "/graphql", document: `{ __schema { types { name description } } }`},
		"REST":            {method: http.MethodGet, path: apptest.LUX + "/device/get-all-device"},
		"OpenAPI":         {method: http.MethodGet, path: "/openapi.json"},
		"the schema":      {method: http.MethodGet, path: "/schema.graphql"},
		"documentation":   {method: http.MethodGet, path: "/docs"},
		"a guide":         {method: http.MethodGet, path: "/docs/clients"},
		"the REST routes": {method: http.MethodGet, path: "/docs/rest"},
		"the collection":  {method: http.MethodGet, path: "/docs/collection.json"},
		"its styles":      {method: http.MethodGet, path: "/docs/style.css"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := encoded(t, s, token, asked, "")
			if plain.Header.Get("Content-Encoding") != "" || len(plain.Body) < 1024 {
				t.Fatalf("%d bytes with %v: %.200s", len(plain.Body), plain.Header, plain.Body)
			}
			for accept, want := range map[string]string{
				"gzip": "gzip", "zstd": "zstd", "GZIP": "gzip", "gzip, deflate, br, zstd": "gzip", "gzip;q=0.8, zstd;q=0.8": "gzip", "gzip;q=0.8, zstd": "zstd",
				"gzip;q=1.0, zstd;q=0.5": "gzip", "zstd;q=0, gzip;q=0.1": "gzip", "gzip, zstd;q=0.000": "gzip",
				"": "", "identity": "", "br": "", "gzip;q=0": "", "gzip;q=0, zstd;q=0, *": "", "nonsense;;;q": "",
			} {
				answer := encoded(t, s, token, asked, accept)
				if got := answer.Header.Get("Content-Encoding"); got != want || answer.Status != plain.Status {
					t.Errorf("Accept-Encoding %q is answered %d and %q, want %q", accept, answer.Status, got, want)
					continue
				}
				if want != "" && 2*len(answer.Body) > len(plain.Body)+300 {
					t.Errorf("Accept-Encoding %q: %d bytes of %d", accept, len(answer.Body), len(plain.Body))
				}
				if body := decoded(t, want, answer.Body); !bytes.Equal(body, plain.Body) {
					t.Errorf("Accept-Encoding %q is answered\n%.300s\nwant\n%.300s", accept, body, plain.Body)
				}
				checkEncodedHeaders(t, accept, answer, plain)
			}
		})
	}
}

// checkEncodedHeaders compares the headers of an answer with those of the plain one.
func checkEncodedHeaders(t *testing.T, accept string, answer, plain apptest.Response) {
	t.Helper()
	if length := answer.Header.Get("Content-Length"); length != "" && length != strconv.Itoa(len(answer.Body)) {
		t.Errorf("Accept-Encoding %q: Content-Length %s of %d bytes", accept, length, len(answer.Body))
	}
	for _, changes := range []string{"Content-Length", "Content-Encoding", "X-Request-Id", "Date", "Accept-Ranges"} {
		answer.Header.Del(changes)
		plain.Header.Del(changes)
	}
	if diff := cmp.Diff(plain.Header, answer.Header); diff != "" {
		t.Errorf("Accept-Encoding %q changes the headers: %s", accept, diff)
	}
	if vary := answer.Header.Values("Vary"); !slices.Equal(vary, []string{"Origin", "Accept-Encoding"}) {
		t.Errorf("Accept-Encoding %q: Vary %q", accept, vary)
	}
}

// TestWhatIsNotCompressed holds that what is short, has no body or is compressed already is
// sent as it is, and that caches can tell the encodings apart.
func TestWhatIsNotCompressed(t *testing.T) {
	t.Parallel()
	s := startForEncodings(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 2)
	const both = "gzip, zstd"
	questions := []question{
		{method: http.MethodPost, path: "/graphql", document: apptest.Sample(t, "home").Document},
		{method: http.MethodGet, path: "/nowhere"},
		{method: http.MethodOptions, path: "/openapi.json"},
	}
	for _, r := range servedRoutes() {
		questions = append(questions, question{method: r.method, path: r.path}, question{method: http.MethodOptions, path: r.path})
	}
	for _, asked := range questions {
		answer := encoded(t, s, token, asked, both)
		encoding := answer.Header.Get("Content-Encoding")
		if long := len(decoded(t, encoding, answer.Body)) >= 1024; encoding != "" && !long {
			t.Errorf("%s %s: %d bytes, Content-Encoding %q", asked.method, asked.path, len(answer.Body), encoding)
		}
		if vary := answer.Header.Values("Vary"); !slices.Equal(vary, []string{"Origin", "Accept-Encoding"}) {
			t.Errorf("%s %s: Vary %q", asked.method, asked.path, vary)
		}
	}
}

// TestHeadersOfWhatWouldBeCompressed holds that HEAD is answered with the headers of GET.
func TestHeadersOfWhatWouldBeCompressed(t *testing.T) {
	t.Parallel()
	s := startForEncodings(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 10)
	upload(t, s, token, 1, 50)
	for _, path := range []string{"/openapi.json", "/docs/style.css", apptest.LUX + "/device/get-all-device", apptest.LUX + "/user/me"} {
		for _, accept := range []string{"", "gzip", "zstd"} {
			head := encoded(t, s, token, question{method: http.MethodHead, path: path}, accept)
			get := encoded(t, s, token, question{method: http.MethodGet, path: path}, accept)
			for _, changes := range []string{"X-Request-Id", "Date"} {
				head.Header.Del(changes)
				get.Header.Del(changes)
			}
			if head.Header.Get("Content-Length") == "" { // which HEAD may leave out
				get.Header.Del("Content-Length")
			}
			if diff := cmp.Diff(get.Header, head.Header); diff != "" || head.Status != http.StatusOK || len(head.Body) > 0 {
				t.Errorf("HEAD %s with Accept-Encoding %q is answered %d, other than GET: %s", path, accept, head.Status, diff)
			}
		}
	}
}

// TestEncodingsHaveTagsOfTheirOwn holds that a browser that has a file in one encoding is sent
// it again in no other, and not at all where it has it.
func TestEncodingsHaveTagsOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := startForEncodings(t)
	script := string(s.Call(t, http.MethodGet, "/", "", "").Body)
	_, script, _ = strings.Cut(script, `src="`)
	script, _, _ = strings.Cut(script, `"`)
	for _, path := range []string{"/", "/schema.graphql", "/openapi.json", "/docs/start", "/docs/rest", "/docs/collection.json", "/" + strings.TrimLeft(script, "./")} {
		tags := map[string]string{}
		for _, accept := range []string{"", "gzip", "zstd", "gzip, zstd"} {
			answer := encoded(t, s, "", question{method: http.MethodGet, path: path}, accept)
			tag, encoding := answer.Header.Get("ETag"), answer.Header.Get("Content-Encoding")
			if before, known := tags[tag]; tag == "" || known && before != encoding && !strings.HasPrefix(tag, "W/") {
				t.Errorf("%s has the tag %q in the encodings %q and %q", path, tag, before, encoding)
			}
			tags[tag] = encoding
			r := request(t, s, "", question{method: http.MethodGet, path: path}, accept)
			r.Header.Set("If-None-Match", tag)
			if again := s.Do(t, r); again.Status != http.StatusNotModified || len(again.Body) > 0 || again.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s with If-None-Match and Accept-Encoding %q is answered %d %v", path, accept, again.Status, again.Header)
			}
		}
	}
}

// TestStreamsAreNotCompressed holds that each event of a stream reaches a client that accepts
// compressed answers as it happens, and that a socket is one to such a client as well.
func TestStreamsAreNotCompressed(t *testing.T) {
	t.Parallel()
	s := startForEncodings(t)
	token, _ := s.Parent(t)
	grow(t, s, token, 0, 1)
	const subscription = `subscription { devlogStatus { cursor } }`
	var streams []io.Reader
	for _, accept := range []string{"text/event-stream", "multipart/mixed;subscriptionSpec=1.0"} {
		r := request(t, s, token, question{method: http.MethodPost, path: "/graphql", document: subscription}, "gzip, zstd")
		r.Header.Set("Accept", accept)
		stream, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = stream.Body.Close() })
		if encoding := stream.Header.Get("Content-Encoding"); stream.StatusCode != http.StatusOK || encoding != "" {
			t.Errorf("%s is answered %d, Content-Encoding %q", accept, stream.StatusCode, encoding)
		}
		streams = append(streams, stream.Body)
	}
	upload(t, s, token, 1, 1)
	for _, stream := range streams {
		var received strings.Builder
		for piece := make([]byte, 512); !strings.Contains(received.String(), `"cursor":"`); {
			n, err := stream.Read(piece)
			received.Write(piece[:n])
			if err != nil {
				t.Fatalf("%v after %q", err, received.String())
			}
		}
	}

	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	socket, response, err := dialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", http.Header{"Accept-Encoding": {"gzip, zstd"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	_ = socket.Close()
}

// startForEncodings starts a server whose client asks for no encoding by itself.
func startForEncodings(t *testing.T) *apptest.Server {
	t.Helper()
	s := apptest.Start(t)
	s.Client().Transport.(*http.Transport).DisableCompression = true
	return s
}

// question is what is asked of a path; of /graphql it is a document.
type question struct{ method, path, document string }

// encoded gives an answer as it was sent to a client that accepts these encodings.
func encoded(t *testing.T, s *apptest.Server, token string, asked question, accept string) apptest.Response {
	t.Helper()
	return s.Do(t, request(t, s, token, asked, accept))
}

func request(t *testing.T, s *apptest.Server, token string, asked question, accept string) *http.Request {
	t.Helper()
	var body io.Reader = http.NoBody
	if asked.method == http.MethodPost && strings.HasPrefix(asked.path, "/graphql") {
		body = bytes.NewReader(raw(t, map[string]any{"query": asked.document}))
	}
	r, err := http.NewRequestWithContext(t.Context(), asked.method, s.URL+asked.path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if accept != "" {
		r.Header.Set("Accept-Encoding", accept)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func decoded(t *testing.T, encoding string, body []byte) []byte {
	t.Helper()
	var reader io.Reader = bytes.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		reader, err = gzip.NewReader(reader)
	case "zstd":
		var decoder *zstd.Decoder
		decoder, err = zstd.NewReader(reader)
		defer decoder.Close()
		reader = decoder
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatalf("%s: %v", encoding, err)
	}
	return plain
}
