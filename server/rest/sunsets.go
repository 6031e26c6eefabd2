package rest

import (
	"fmt"
	"strings"
	"time"
)

// Sunsets are the days on which single routes end, by method and path, as
// "GET /api/v1/lux/user/me".
type Sunsets map[string]time.Time

// ParseSunsets reads a line "METHOD /path 2027-06-30" for each route; the path is that of the
// documentation, as /api/v1/lux/user/real-user/{id}. What follows a # is a comment. The error
// names the line and what is wrong with it: a route that no surface has, one that is there
// twice, or no date.
func ParseSunsets(text string, surfaces []Surface) (Sunsets, error) {
	known := map[string]bool{}
	for _, s := range surfaces {
		for _, r := range s.Routes {
			known[r.Method+" "+s.Prefix+r.Path] = true
		}
	}
	sunsets, number := Sunsets{}, 0
	for line := range strings.Lines(text) {
		number++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: not METHOD /path DATE", number)
		}
		route := fields[0] + " " + fields[1]
		day, err := time.Parse(time.DateOnly, fields[2])
		_, isTwice := sunsets[route]
		switch {
		case !known[route]:
			return nil, fmt.Errorf("line %d: there is no route %q", number, route)
		case isTwice:
			return nil, fmt.Errorf("line %d: %s is there twice", number, route)
		case err != nil:
			return nil, fmt.Errorf("line %d: %q is not a day as 2027-06-30", number, fields[2])
		}
		sunsets[route] = day
	}
	return sunsets, nil
}
