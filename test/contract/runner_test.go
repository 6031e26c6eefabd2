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

// variant is a place under which the same cases hold.
type variant struct {
	name string
	// path is where a path of the file stands there.
	path func(string) string
}

// variants of the cases of a folder; the first is the one the files are written for.
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

// run is one case at work.
type run struct {
	*testing.T
	file    *file
	variant variant
	golden  bool

	settings []func(*app.Config)
	program  *apptest.Server
	parents  int
	// born is the birthdate of people signed up by a command, if not the usual one.
	born string
	// people are those whom the stand-in for Facebook knows, by their tokens.
	people map[string]map[string]string
	values map[string]string
	// What the commands said of the next request.
	swaps   [][2]string
	repair  bool
	bytes   bool
	differs []string
	masks   []string
	answer  *apptest.Response
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
			r.wantAnswer(b)
		case "look":
			r.look(b)
		case "fault":
			r.wantFault(b)
		default:
			r.Fatalf("nobody knows what %q means", b.header)
		}
	}
}

func (r *run) request(text string) {
	ready := r.ready(text)
	answer := ready.send(r.T, r.server())
	fitsSchema(r.T, ready, answer)
	r.answer = &answer
}

// ready is the request of the text, as the commands before it change it.
func (r *run) ready(text string) request {
	for _, swap := range r.swaps {
		if !strings.Contains(text, swap[0]) {
			r.Fatalf("the request has no %q", swap[0])
		}
		text = strings.ReplaceAll(text, swap[0], r.expand(swap[1]))
	}
	text = strings.ReplaceAll(text, "your_token_here", r.values["parent.access_token"])
	ready := readRequest(r.T, r.expand(text))
	if r.repair {
		ready.body = []byte(repair(string(ready.body)))
	}
	if r.bytes {
		ready.unquoted(r.T)
	}
	ready.target = r.variant.path(ready.target)
	r.swaps, r.repair, r.bytes = nil, false, false
	return ready
}

func (r *run) example(b *block) {
	documented, err := readJSON([]byte(repair(b.text)))
	if err != nil {
		r.Fatalf("the example is no JSON, repaired neither: %v", err)
	}
	answered, err := readJSON(r.answer.Body)
	if err != nil {
		r.Fatalf("the answer %d %q is no JSON: %v", r.answer.Status, r.answer.Body, err)
	}
	for _, problem := range compare(documented, answered, r.differs) {
		r.Error(problem)
	}
	r.differs = nil
}

func (r *run) wantAnswer(b *block) {
	r.wantStatus(b.arg)
	r.wantGolden(b)
}

func (r *run) wantStatus(status string) {
	if want, err := strconv.Atoi(status); err != nil || r.answer.Status != want {
		r.Fatalf("the answer is %d %s, want %s", r.answer.Status, r.answer.Body, status)
	}
}

// look shows what the account has now: a GraphQL query, its data the golden.
func (r *run) look(b *block) {
	reply := r.server().GraphQL(r.T, r.values["parent.access_token"], b.arg, nil)
	if len(reply.Errors) > 0 {
		r.Fatalf("%s: %+v", b.arg, reply.Errors)
	}
	r.sameAs(b, string(reply.Data)+"\n")
}

func (r *run) wantGolden(b *block) {
	r.isJSON()
	r.sameAs(b, r.masked(string(r.answer.Body)))
	r.masks = nil
}

func (r *run) sameAs(b *block, got string) {
	if r.golden {
		goldens.Lock()
		defer goldens.Unlock()
		b.text = got + trailing(b.text)
		return
	}
	if want := strings.TrimRight(b.text, "\n") + "\n"; got != want {
		r.Errorf("the answer is\n%swant\n%s", got, want)
	}
}

// goldens guards the blocks that cases of one file write.
var goldens sync.Mutex

// trailing is the empty line that parts a block from the next case.
func trailing(text string) string {
	if strings.HasSuffix(text, "\n\n") || text == "\n" {
		return "\n"
	}
	return ""
}

func (r *run) isJSON() {
	if kind := r.answer.Header.Get("Content-Type"); kind != "application/json" {
		r.Errorf("the answer is of type %q", kind)
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

// wantFault holds the answer to one row of a page's table of errors.
func (r *run) wantFault(b *block) {
	status, text, _ := strings.Cut(b.arg, " ")
	r.wantStatus(status)
	if !strings.HasPrefix(text, "0x") {
		r.isJSON()
		want, err := json.Marshal(map[string]string{"detail": r.expand(text)})
		if err != nil {
			r.Fatal(err)
		}
		if got := strings.TrimSuffix(string(r.answer.Body), "\n"); got != string(want) {
			r.Errorf("the answer is %s, want %s", got, want)
		}
		return
	}
	number, err := strconv.ParseInt(text, 0, 32)
	if err != nil {
		r.Fatal(err)
	}
	if prefix := fmt.Sprintf(`{"errcode":%d,"message":"`, number); !strings.HasPrefix(string(r.answer.Body), prefix) {
		r.Errorf("the answer is %s, want %s…", r.answer.Body, prefix)
	}
	r.wantGolden(b)
}
