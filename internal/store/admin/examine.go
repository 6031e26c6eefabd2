package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"luxbff/internal/store"
)

// Severity says what an operator has to do about a finding.
type Severity int

// In the order of what is to be done: nothing; look at it, the program works meanwhile;
// mend it, something is refused or can be lost.
const (
	OK Severity = iota
	Warning
	Wrong
)

// Finding is the result of one check: what it looked at, and in the operator's words
// what it found there and what to do about it.
type Finding struct {
	Check    string
	Detail   string
	Severity Severity
}

func passed(check, format string, values ...any) Finding {
	return Finding{Check: check, Detail: fmt.Sprintf(format, values...)}
}

func warned(check, format string, values ...any) Finding {
	return Finding{Check: check, Detail: fmt.Sprintf(format, values...), Severity: Warning}
}

func failed(check, format string, values ...any) Finding {
	return Finding{Check: check, Detail: fmt.Sprintf(format, values...), Severity: Wrong}
}

// plain is the text of an error on one line, without the name of our package, which
// means nothing to an operator.
func plain(err error) string {
	return strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "store: ")
}

// Examine checks a database as the doctor command does and gives what it found,
// in an order in which the first failed check explains those after it. It
// changes nothing, and makes no file either; of an SQLite file it reads every page.
func Examine(ctx context.Context, cfg store.Config) []Finding {
	if store.IsPostgres(cfg.URL) {
		return examinePostgres(ctx, cfg)
	}
	return examineSQLite(ctx, cfg)
}

// ExamineTransport says whether strangers on the way to the database could read or change
// what goes over the connection. Nothing goes over a network to a file or to this machine.
// A name without a dot is known to one network alone, as those of containers side by side
// are, and may be as good as the machine itself.
func ExamineTransport(cfg store.Config) Finding {
	const check = "way to the database"
	if !store.IsPostgres(cfg.URL) {
		return passed(check, "it is a file")
	}
	hosts, err := store.UnverifiedHosts(cfg.URL)
	if err != nil {
		return failed(check, "%v", err)
	}
	isRemote := func(host string) bool { return strings.ContainsAny(host, ".:") }
	const advice = "add sslmode=verify-full and sslrootcert=FILE to DATABASE_URL"
	switch {
	case slices.ContainsFunc(hosts, isRemote):
		return failed(check, "%s is not asked to prove who it is, so others can read and change what is sent to it: %s", strings.Join(hosts, ", "), advice)
	case len(hosts) > 0:
		return passed(check, "%s is not asked to prove who it is: right on one machine; over a network, %s", strings.Join(hosts, ", "), advice)
	}
	return passed(check, "nobody can read or change what is sent")
}

func examineMigrations(pending int, err error) Finding {
	switch {
	case err != nil:
		return failed("migrations", "%s", plain(err))
	case pending > 0:
		return failed("migrations", "some are missing: run `server migrate`, which applies %d", pending)
	}
	return passed("migrations", "all are applied")
}
