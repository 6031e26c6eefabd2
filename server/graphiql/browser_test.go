//go:build browser

package graphiql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/internal/testutil/browsertest"
	"luxbff/operations"
	"luxbff/server/app"
)

// TestPage drives GraphiQL in headless Chromium against the program with its
// demo family, as a person would.
func TestPage(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	for name, test := range map[string]func(*testing.T, context.Context){
		"the home query shows the demo family":              runHomeQuery,
		"an upload reaches a subscription":                  subscribe,
		"two feeds go on without a gap after a cut":         resumeFeeds,
		"own tabs stay and meet the newest token":           keepOwnTabs,
		"closed samples come back":                          bringSamplesBack,
		"each sample is valid against the schema it serves": validateSamples,
		"a phone sees the operation above its answer":       useNarrowScreen,
		"the documentation pane leads to a type":            readDocumentation,
		"the explorer builds a query that runs":             buildQuery,
		"the page is as light or dark as a person prefers":  preferColours,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, browser)
		})
	}
}

func runHomeQuery(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	p.run()
	p.waitResponse(`"Mina"`, `"Jun"`, `"lastLogFileId": 7`)
	p.screenshot("graphiql.png")
	p.CheckOrigin(p.origin)
	p.CheckConsole()
}

func subscribe(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	p.selectTab("DevlogStatus")
	p.run()
	p.waitFeed("live")
	sender := p.openBeside()
	sender.selectTab("Upload")
	sender.run()
	sender.waitResponse(`"COMPLETE"`)
	p.waitResponse(`"COMPLETED"`, `"lastLogFileId": 8`)
	p.screenshot("graphiql-subscription.png")
	for _, page := range []*page{p, sender} {
		page.CheckOrigin(p.origin)
		page.CheckConsole()
	}
}

func resumeFeeds(t *testing.T, browser context.Context) {
	server := serve(t)
	first := visit(t, browser, server.origin)
	second := first.openBeside()
	pages := []*page{first, second}
	for _, p := range pages {
		p.selectTab("DevlogStatus")
		p.run()
		p.waitFeed("live")
	}
	server.upload(t, 8)
	for _, p := range pages {
		p.waitResponse(`"lastLogFileId": 8`)
	}
	server.network.cut()
	for _, p := range pages {
		p.waitFeed("reconnecting")
	}
	server.upload(t, 9)
	server.network.restore()
	for _, p := range pages {
		p.waitFeed("live")
		p.waitResponse(`"lastLogFileId": 9`)
		p.CheckOrigin(p.origin)
	}
}

func keepOwnTabs(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	token := p.read(headerEditor)
	if !strings.Contains(token, "Bearer ey") {
		t.Fatalf("the headers hold no token: %s", token)
	}
	const own = "query Mine { me { email } }"
	p.write(queryEditor, own)
	p.WaitFor(`Object.values(localStorage).some((value) => value.includes("Mine") && value.includes("activeTabIndex"))`)
	p.WaitFor(`!Object.values(localStorage).some((value) => value.includes("Bearer"))`)
	p.reload()
	if got := p.read(queryEditor); got != own {
		t.Errorf("after a reload the tab holds %q, want %q", got, own)
	}
	if got := p.read(headerEditor); got == token || !strings.Contains(got, "Bearer ey") {
		t.Errorf("after a reload the headers hold %q, want a new token", got)
	}
	p.run()
	p.waitResponse(`"email"`)
	p.CheckConsole()
}

func bringSamplesBack(t *testing.T, browser context.Context) {
	server := serve(t)
	p := visit(t, browser, server.origin)
	all := p.tabs()
	if len(all) != len(operations.All()) || all[0] != "Home" {
		t.Fatalf("tabs %q, want one for each sample, Home first", all)
	}
	p.Click(".graphiql-tab-close")
	p.WaitFor(fmt.Sprintf(`document.querySelectorAll(".graphiql-tab-button").length === %d`, len(all)-1))
	p.WaitFor(`!localStorage["luxbff:graphiql:tabState"].includes("query Home")`)
	p.write(headerEditor, `{"x-own": "1"}`) // the page stores it in a moment, too late
	server.slow.Store(true)
	p.Click(`[aria-label="Bring back the sample operations"]`)
	p.WaitFor(fmt.Sprintf(`document.querySelectorAll(".graphiql-tab-button").length === %d`, len(all)))
	want := append(slices.Clone(all[1:]), all[0])
	if diff := cmp.Diff(want, p.tabs()); diff != "" {
		t.Errorf("tabs (-want +got):\n%s", diff)
	}
}

// validateSamples relies on GraphiQL's own validation of each text against the schema.
func validateSamples(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	p.write(queryEditor, "query Wrong { me { nothing } }")
	p.WaitFor(`globalThis.__MONACO.editor.getModelMarkers({ owner: "graphql" }).length > 0`)
	for _, title := range p.tabs()[1:] {
		p.selectTab(title)
		p.WaitFor(`globalThis.__MONACO.editor.getModelMarkers({}).length === 0`)
	}
}

func useNarrowScreen(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	p.Resize(390, 800)
	p.reload()
	p.Click(`[aria-label^="Hide Documentation"]`)
	p.run()
	p.waitResponse(`"Mina"`)
	p.WaitFor(`document.querySelector(".graphiql-response").getBoundingClientRect().top >= document.querySelector(".graphiql-editors").getBoundingClientRect().bottom`)
	p.WaitFor(`document.documentElement.scrollWidth <= 390`)
	p.screenshot("graphiql-phone.png")
	p.CheckConsole()
}

// readDocumentation walks the documentation pane from the root of the schema to a type and
// one of its fields.
func readDocumentation(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	const link, title = ".graphiql-doc-explorer-content a", `document.querySelector(".graphiql-doc-explorer-title")?.textContent`
	p.ClickText(link, "Query")
	p.WaitFor(title + ` === "Query"`)
	p.ClickText(link, "childUsers")
	p.WaitFor(title + ` === "childUsers"`)
	p.ClickText(link, "ChildUser")
	p.WaitFor(title + ` === "ChildUser"`)
	p.WaitFor(`document.querySelector(".graphiql-doc-explorer-content").innerText.includes("birthdate")`)
	p.screenshot("graphiql-documentation.png")
	p.CheckOrigin(p.origin)
	p.CheckConsole()
}

func buildQuery(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	p.write(queryEditor, "query Mine { me { id } }")
	p.Click(`[aria-label="Show GraphiQL Explorer"]`)
	p.Click(`.graphiql-explorer-me [data-field-name="email"]`)
	p.WaitFor(text(queryEditor) + `.includes("email")`)
	p.Click(`[data-field-name="errorCodes"]`)
	p.WaitFor(text(queryEditor) + `.includes("errorCodes")`)
	p.run()
	p.waitResponse(`"email": "demo@luxbff.example"`, `"TOKEN_IS_EXPIRED"`)
	p.screenshot("graphiql-explorer.png")
	p.CheckOrigin(p.origin)
	p.CheckConsole()
}

func preferColours(t *testing.T, browser context.Context) {
	p := visit(t, browser, serve(t).origin)
	const brightness = `Math.max(...getComputedStyle(document.querySelector(".graphiql-container")).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number))`
	p.Click(`[aria-label="Show GraphiQL Explorer"]`)
	for scheme, want := range map[string]string{"light": " > 200", "dark": " < 80"} {
		p.Prefer(scheme)
		p.reload()
		p.WaitFor(brightness + want)
		p.screenshot("graphiql-" + scheme + ".png")
	}
}

// server is the program with its demo family, on a network that can be cut.
type server struct {
	app     *app.App
	origin  string
	network *cuttableListener
	// slow delays the page by a second, in which the page before it still runs.
	slow atomic.Bool
}

func serve(t *testing.T) *server {
	t.Helper()
	ctx := t.Context()
	a, err := app.New(ctx, app.Config{
		DatabaseURL: "file:" + filepath.Join(t.TempDir(), "luxbff.db"), Env: "development", RateLimits: "off",
	}, app.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.LoadDemo(ctx); err != nil {
		t.Fatal(err)
	}
	s := &server{app: a}
	listener := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && s.slow.Load() {
			<-time.After(time.Second)
		}
		a.Handler().ServeHTTP(w, r)
	}))
	network := &cuttableListener{Listener: listener.Listener}
	listener.Listener = network
	listener.Start()
	t.Cleanup(listener.Close)
	s.origin, s.network = listener.URL+"/", network
	return s
}

// upload sends the sample upload with this log file id, also while the network is cut.
func (s *server) upload(t *testing.T, logFileID int) {
	t.Helper()
	var headers struct{ Headers map[string]string }
	if err := json.Unmarshal(s.call(t, http.MethodGet, "/graphiql/config.json", "", nil), &headers); err != nil {
		t.Fatal(err)
	}
	sample := operations.All()[slices.IndexFunc(operations.All(), func(s operations.Sample) bool { return s.Name == "upload" })]
	variables := strings.Replace(sample.Variables, `"logFileId": 8`, fmt.Sprintf(`"logFileId": %d`, logFileID), 1)
	body, err := json.Marshal(map[string]any{"query": sample.Document, "variables": json.RawMessage(variables)})
	if err != nil {
		t.Fatal(err)
	}
	if response := s.call(t, http.MethodPost, "/graphql", string(body), headers.Headers); strings.Contains(string(response), `"errors"`) {
		t.Fatalf("upload: %s", response)
	}
}

func (s *server) call(t *testing.T, method, path, body string, headers map[string]string) []byte {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	s.app.Handler().ServeHTTP(recorder, request)
	return recorder.Body.Bytes()
}

// cuttableListener is a listener whose connections can be cut. While it is cut, new ones
// are closed at once.
type cuttableListener struct {
	net.Listener

	mu    sync.Mutex
	conns []net.Conn
	down  bool
}

func (w *cuttableListener) Accept() (net.Conn, error) {
	conn, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, conn)
	if w.down {
		return conn, conn.Close()
	}
	return conn, nil
}

func (w *cuttableListener) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = true
	for _, conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
}

func (w *cuttableListener) restore() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = false
}
