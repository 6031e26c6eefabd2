package store_test

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"luxbff/internal/store"
)

// TestPasswordOfTheURLIsNotRepeated draws passwords of the characters that mean something
// in a URL, and holds that no four characters of one come into what is printed of the
// URL, whether it is written as it has to be or not.
func TestPasswordOfTheURLIsNotRepeated(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringMatching(`[QXZ7]{0,6}[/@#?%&=:+,;<>"'^|{}~!$*\[\]\\ QXZ7]{4,16}`).Draw(t, "password")
		encoded := url.UserPassword("luxbff", password).String()
		for _, credentials := range []string{"luxbff:" + password, encoded} {
			address := "postgres://" + credentials + "@127.0.0.1:1/luxbff?sslmode=disable"
			location := store.Location(address)
			printed := []string{location}
			opened, err := store.Open(t.Context(), store.Config{URL: address})
			if err == nil {
				t.Errorf("a server answers on port 1: %v", opened.Close())
				continue
			}
			printed = append(printed, err.Error())
			if _, err := store.UnverifiedHosts(address); err != nil {
				printed = append(printed, err.Error())
			}
			for i := range len(password) - 3 {
				// Signs alone may stand in the message itself, as ", @ " does.
				if piece := password[i : i+4]; strings.ContainsAny(piece, "QXZ7") && strings.Contains(strings.Join(printed, "\n"), piece) {
					t.Errorf("%q of the password stands in %q", piece, printed)
				}
			}
			if credentials == encoded && location != "database luxbff at 127.0.0.1:1" {
				t.Errorf("the encoded password gives %q", location)
			}
		}
	})
}

func TestLocation(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"file:luxbff.db": "luxbff.db",
		"file:/var/lib/luxbff/a%20b.db?_pragma=query_only(1)": "/var/lib/luxbff/a b.db",
		"luxbff.db":                                 "the database",
		"postgres://u:p@db.example/lux":             "database lux at db.example:5432",
		"postgres://u:p@[::1]:5433/lux":             "database lux at [::1]:5433",
		"postgres://u:p@one:1,two:2/lux":            "database lux at one:1, two:2",
		"postgres://u:p@one,two/lux?sslmode=prefer": "database lux at one:5432, two:5432",
		"postgres:///lux?host=/run/postgresql":      "database lux at /run/postgresql:5432",
		"postgres://u:p/q@db.example/lux":           "the database",
		"postgres://u:p/q@db.example/lux?sslmode=disable&target_session_attrs=any": "the database",
		"postgres://db.example/lux?user=u%40server&password=p":                     "database lux at db.example:5432",
		"postgres://u:p@db.example/lux?application_name=a@b&options=-c%20a%3Db":    "database lux at db.example:5432",
		"postgres://db.example:pass/lux":                                           "the database",
		"postgres://u:p@db.example/lux?password=a&b":                               "the database",
		"postgres:u:p@db.example":                                                  "the database",
	} {
		if got := store.Location(address); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
