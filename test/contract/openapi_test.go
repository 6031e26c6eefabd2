package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/rest"
)

// servedDocument is the OpenAPI document as the program serves it, read by a library
// that validates version 3.1.
func servedDocument(t *testing.T, s *apptest.Server) *openapi3.T {
	t.Helper()
	response := s.Call(t, http.MethodGet, "/openapi.json", "", "")
	if response.Status != http.StatusOK || response.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", response.Status, response.Header)
	}
	doc, err := openapi3.NewLoader().LoadFromData(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestOpenAPIIsValid(t *testing.T) {
	t.Parallel()
	doc := servedDocument(t, apptest.Start(t))
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("the document is of version %s", doc.OpenAPI)
	}
}

func TestOpenAPIHasEveryServedRoute(t *testing.T) {
	t.Parallel()
	doc := servedDocument(t, apptest.Start(t))
	var described, tables []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described = append(described, method+" "+path)
		}
	}
	for _, s := range rest.Surfaces() {
		for _, r := range s.Routes {
			tables = append(tables, r.Method+" "+s.Prefix+r.Path)
		}
	}
	slices.Sort(described)
	slices.Sort(tables)
	if diff := cmp.Diff(tables, described); diff != "" {
		t.Errorf("served (-), described (+):\n%s", diff)
	}
}

// TestOpenAPIExplainsEveryRoute holds that each operation says what it does, and each
// of its errors when it occurs.
func TestOpenAPIExplainsEveryRoute(t *testing.T) {
	t.Parallel()
	doc := servedDocument(t, apptest.Start(t))
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			if len(o.Summary) < 8 || len(o.Description) < 40 || strings.HasPrefix(o.Description, " ") {
				t.Errorf("%s %s: %q, %q", method, path, o.Summary, o.Description)
			}
			for status, r := range o.Responses.Map() {
				for _, line := range strings.Split(*r.Value.Description, "\n") {
					if status > "3" && (!strings.HasPrefix(line, "- ") || strings.HasSuffix(line, "— ")) {
						t.Errorf("%s %s: %s doesn't say when: %q", method, path, status, line)
					}
				}
			}
		}
	}
}

// schemas are those of the responses in the document, compiled once for all cases.
type schemas struct {
	sync.Mutex
	doc      *openapi3.T
	patterns map[string]*regexp.Regexp
	compiler *jsonschema.Compiler
}

var documented = sync.OnceValues(func() (*schemas, error) {
	raw, err := json.Marshal(rest.Describe(rest.Surfaces()))
	if err != nil {
		return nil, err
	}
	tree, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	a := &schemas{compiler: jsonschema.NewCompiler()}
	a.compiler.AssertFormat()
	if err := a.compiler.AddResource("openapi.json", tree); err != nil {
		return nil, err
	}
	if a.doc, err = openapi3.NewLoader().LoadFromData(raw); err != nil {
		return nil, err
	}
	a.patterns = map[string]*regexp.Regexp{}
	for template := range a.doc.Paths.Map() {
		a.patterns[template] = regexp.MustCompile("^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$")
	}
	return a, nil
})

// checkSchema checks a response against the schema that the OpenAPI document has for
// it. A request to no documented route isn't checked.
func checkSchema(t *testing.T, sent request, response apptest.Response) {
	t.Helper()
	all, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	template := all.template(sent)
	if template == "" {
		return
	}
	schema, err := all.schema(template, sent.method, response.Status)
	if err != nil {
		t.Errorf("%s %s: the document knows no response %d: %v", sent.method, sent.target, response.Status, err)
		return
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(response.Body))
	if err != nil {
		t.Errorf("%s %s: %q is no JSON", sent.method, sent.target, response.Body)
		return
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s %s: the response %s doesn't fit its schema: %v", sent.method, sent.target, response.Body, err)
	}
}

func (a *schemas) schema(template, method string, status int) (*jsonschema.Schema, error) {
	a.Lock()
	defer a.Unlock()
	escaped := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(template)
	return a.compiler.Compile(fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%d/content/application~1json/schema",
		escaped, strings.ToLower(method), status))
}

var parameter = regexp.MustCompile(`\\\{[^}]*\\\}`)

// template finds the path of the document to which a request was sent. A path without
// parameters comes before one with.
func (a *schemas) template(sent request) string {
	path, _, _ := strings.Cut(sent.target, "?")
	found := ""
	for template, item := range a.doc.Paths.Map() {
		matched := a.patterns[template].MatchString(path) && item.GetOperation(sent.method) != nil
		if matched && (found == "" || template == path) {
			found = template
		}
	}
	return found
}

func TestDocsPageNeedsNoOtherHost(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	response := s.Call(t, http.MethodGet, "/docs/rest", "", "")
	page := string(response.Body)
	if response.Status != http.StatusOK || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", response.Status, response.Header)
	}
	if found := regexp.MustCompile(`(src|href)="(https?:)?//`).FindString(page); found != "" {
		t.Errorf("the page refers to another host: %s", found)
	}
	if policy := response.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("policy %q", policy)
	}
	if got := s.Call(t, http.MethodGet, "/docs/rest.css", "", ""); got.Status != http.StatusOK {
		t.Errorf("the style: %d", got.Status)
	}
	for _, surface := range rest.Surfaces() {
		for _, r := range surface.Routes {
			if !strings.Contains(page, "<code>"+surface.Prefix+r.Path+"</code>") {
				t.Errorf("the page doesn't show %s%s", surface.Prefix, r.Path)
			}
			if !strings.Contains(page, `id="`+r.Operation+`"`) {
				t.Errorf("the page has no place for %s", r.Operation)
			}
		}
	}
}
