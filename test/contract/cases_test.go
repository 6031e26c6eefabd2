package contract_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"luxbff/internal/testutil/apptest"
	"luxbff/server/app"
)

var update = flag.Bool("update", false, "write the golden answers anew")

// variant is a surface for which the cases of a folder hold.
type variant struct {
	name string
	// path gives the surface's path for a path of the file.
	path func(string) string
}

// variants are the surfaces for the cases of a folder. The files are written for the
// first.
func variants(folder string) []variant {
	asWritten := func(path string) string { return path }
	under := func(from, to string) func(string) string {
		return func(path string) string { return strings.Replace(path, from, to, 1) }
	}
	switch folder {
	case "addnox":
		return []variant{{"addnox", asWritten}, {"withnox", under("/api/v1/addnox/", "/api/v1/withnox/")}}
	case "auth":
		return []variant{
			{"lux", asWritten},
			{"addnox", under("/api/v1/lux/auth/", "/api/v1/addnox/auth/")},
			{"withnox", under("/api/v1/lux/auth/", "/api/v1/withnox/auth/")},
		}
	case "snutt":
		return []variant{{"snutt", asWritten}, {"snutt v1", underV1}}
	default:
		return []variant{{folder, asWritten}}
	}
}

func underV1(path string) string {
	if strings.HasPrefix(path, "/user/") || strings.HasPrefix(path, "/auth/") {
		return "/v1" + path
	}
	return path
}

func folders() []string { return []string{"lux", "auth", "addnox", "snutt"} }

func TestContract(t *testing.T) {
	t.Parallel()
	for _, folder := range folders() {
		for _, f := range readFiles(t, folder) {
			for i, v := range variants(folder) {
				t.Run(v.name+" "+f.method+" "+f.route, func(t *testing.T) {
					t.Parallel()
					golden := *update && i == 0
					if *update && !golden {
						return // it has no goldens of its own
					}
					if golden {
						t.Cleanup(func() { f.write(t) })
					}
					for _, c := range f.cases {
						t.Run(c.title, func(t *testing.T) {
							t.Parallel()
							(&run{T: t, file: f, variant: v, golden: golden, values: map[string]string{}}).all(c)
						})
					}
				})
			}
		}
	}
}

// run is a case that is running.
type run struct {
	*testing.T
	file    *file
	variant variant
	golden  bool

	settings []func(*app.Config)
	program  *apptest.Server
	parents  int
	// birthdate is that of people whom a command signs up, if it isn't the usual one.
	birthdate string
	// people are those that the stand-in for Facebook knows, by their tokens.
	people map[string]map[string]string
	values map[string]string
	// What commands have set for the next request.
	swaps    [][2]string
	repair   bool
	bytes    bool
	differs  []string
	masks    []string
	response *apptest.Response
}

func (r *run) all(c testCase) {
	for _, b := range c.blocks {
		switch b.kind {
		case "==", "then":
			r.commands(b.text)
		case "request":
			r.request(b.text)
		case "again":
			r.request(r.file.first())
		case "example":
			r.example(b)
		case "answer":
			r.wantResponse(b)
		case "look":
			r.look(b)
		case "fault":
			r.wantError(b)
		default:
			r.Fatalf("there is no block of the kind %q", b.header)
		}
	}
}

func (r *run) request(text string) {
	sent := r.prepare(text)
	response := sent.send(r.T, r.server())
	checkSchema(r.T, sent, response)
	r.response = &response
}

// prepare makes the request of the text, as the commands before it change it.
func (r *run) prepare(text string) request {
	for _, swap := range r.swaps {
		if !strings.Contains(text, swap[0]) {
			r.Fatalf("the request has no %q", swap[0])
		}
		text = strings.ReplaceAll(text, swap[0], r.expand(swap[1]))
	}
	text = strings.ReplaceAll(text, "your_token_here", r.values["parent.access_token"])
	prepared := readRequest(r.T, r.expand(text))
	if r.repair {
		prepared.body = []byte(repair(string(prepared.body)))
	}
	if r.bytes {
		prepared.unquoteBody(r.T)
	}
	prepared.target = r.variant.path(prepared.target)
	r.swaps, r.repair, r.bytes = nil, false, false
	return prepared
}

func (r *run) example(b *block) {
	documented, err := readJSON([]byte(repair(b.text)))
	if err != nil {
		r.Fatalf("the example is no JSON, repaired neither: %v", err)
	}
	responseed, err := readJSON(r.response.Body)
	if err != nil {
		r.Fatalf("the response %d %q is no JSON: %v", r.response.Status, r.response.Body, err)
	}
	for _, problem := range compare(documented, responseed, r.differs) {
		r.Error(problem)
	}
	r.differs = nil
}

func (r *run) wantResponse(b *block) {
	r.wantStatus(b.arg)
	r.wantGolden(b)
}

func (r *run) wantStatus(status string) {
	if want, err := strconv.Atoi(status); err != nil || r.response.Status != want {
		r.Fatalf("the response is %d %s, want %s", r.response.Status, r.response.Body, status)
	}
}

// look compares what a GraphQL query of the account shows with the golden.
func (r *run) look(b *block) {
	reply := r.server().GraphQL(r.T, r.values["parent.access_token"], b.arg, nil)
	if len(reply.Errors) > 0 {
		r.Fatalf("%s: %+v", b.arg, reply.Errors)
	}
	r.compareGolden(b, string(reply.Data)+"\n")
}

func (r *run) wantGolden(b *block) {
	r.checkJSON()
	r.compareGolden(b, r.masked(string(r.response.Body)))
	r.masks = nil
}

func (r *run) compareGolden(b *block, got string) {
	if r.golden {
		goldens.Lock()
		defer goldens.Unlock()
		b.text = got + trailing(b.text)
		return
	}
	if want := strings.TrimRight(b.text, "\n") + "\n"; got != want {
		r.Errorf("the response is\n%swant\n%s", got, want)
	}
}

// goldens guards the blocks of a file, which its cases write at the same time.
var goldens sync.Mutex

// trailing is the empty line between a block and the next case, if there is one.
func trailing(text string) string {
	if strings.HasSuffix(text, "\n\n") || text == "\n" {
		return "\n"
	}
	return ""
}

func (r *run) checkJSON() {
	if kind := r.response.Header.Get("Content-Type"); kind != "application/json" {
		r.Errorf("the response is of type %q", kind)
	}
}

func (r *run) masked(body string) string {
	for _, key := range r.masks {
		value := regexp.MustCompile(`("` + key + `":)("[^"]+"|[1-9][0-9]*)`)
		if !value.MatchString(body) {
			r.Fatalf("%s has no %q to mask", body, key)
		}
		body = value.ReplaceAllString(body, `$1"<`+key+`>"`)
	}
	return body
}

// wantError compares the response with one row of a page's table of errors.
func (r *run) wantError(b *block) {
	status, text, _ := strings.Cut(b.arg, " ")
	r.wantStatus(status)
	if !strings.HasPrefix(text, "0x") {
		r.checkJSON()
		want, err := json.Marshal(map[string]string{"detail": r.expand(text)})
		if err != nil {
			r.Fatal(err)
		}
		if got := strings.TrimSuffix(string(r.response.Body), "\n"); got != string(want) {
			r.Errorf("the response is %s, want %s", got, want)
		}
		return
	}
	number, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		r.Fatal(err)
	}
	if prefix := fmt.Sprintf(`{"errcode":%d,"message":"`, number); !strings.HasPrefix(string(r.response.Body), prefix) {
		r.Errorf("the response is %s, want %s…", r.response.Body, prefix)
	}
	r.wantGolden(b)
}
