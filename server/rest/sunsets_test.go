package rest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"luxbff/server/rest"
)

func TestSunsetsAreRead(t *testing.T) {
	t.Parallel()
	got, err := rest.ParseSunsets("# what ends first\n\nGET /api/v1/lux/user/me 2027-06-30\r\n\tPUT  /v1/user/info\t2027-12-31 # SNUTT", rest.Surfaces())
	want := rest.Sunsets{
		"GET /api/v1/lux/user/me": time.Date(2027, 6, 30, 0, 0, 0, 0, time.UTC),
		"PUT /v1/user/info":       time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC),
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for text, says := range map[string]string{
		"GET /api/v1/lux/user/me":                        "line 1: not METHOD /path DATE",
		"GET /api/v1/lux/user/me 2027-06-30 late":        "line 1: not METHOD /path DATE",
		"\n#\nGET /api/v1/lux/user/you 2027-06-30":       `line 3: there is no route "GET /api/v1/lux/user/you"`,
		"get /api/v1/lux/user/me 2027-06-30":             `line 1: there is no route "get /api/v1/lux/user/me"`,
		"GET /api/v1/lux/user/me 30.6.2027":              `line 1: "30.6.2027" is not a day as 2027-06-30`,
		"GET /api/v1/lux/user/me 2027-06-31":             `line 1: "2027-06-31" is not a day as 2027-06-30`,
		strings.Repeat("GET /user/info 2027-06-30\n", 2): "line 2: GET /user/info is there twice",
		"GET /api/v1/lux/user/real-user/7 2027-06-30":    `line 1: there is no route "GET /api/v1/lux/user/real-user/7"`,
		"DELETE /api/v1/lux/user/me 2027-06-30":          `line 1: there is no route "DELETE /api/v1/lux/user/me"`,
		"GET /graphql 2027-06-30":                        `line 1: there is no route "GET /graphql"`,
	} {
		if _, err := rest.ParseSunsets(text, rest.Surfaces()); err == nil || err.Error() != says {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
}

// FuzzSunsets holds that what was read and is written again is read as the same.
func FuzzSunsets(f *testing.F) {
	f.Add("# what ends first\nGET /api/v1/lux/user/me 2027-06-30\n")
	f.Add("GET /user/info 2027-06-30 # SNUTT\nGET /v1/user/info 2028-02-29")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := rest.ParseSunsets(text, rest.Surfaces())
		if err != nil {
			return
		}
		var again strings.Builder
		for _, route := range slices.Sorted(maps.Keys(read)) {
			fmt.Fprintf(&again, "%s %s\n", route, read[route].Format(time.DateOnly))
		}
		if twice, err := rest.ParseSunsets(again.String(), rest.Surfaces()); err != nil || !maps.EqualFunc(read, twice, time.Time.Equal) {
			t.Errorf("%q became %q: %v", text, again.String(), err)
		}
	})
}
