package admin_test

import (
	"strings"
	"testing"

	"luxbff/internal/store"
	"luxbff/internal/store/admin"
)

// TestExamineTransport holds which connections to PostgreSQL the doctor calls open to
// strangers. The variables of libpq are set to nothing, because they count as well.
func TestExamineTransport(t *testing.T) { //nolint:paralleltest // it changes the environment
	for _, name := range []string{"PGSSLMODE", "PGSSLROOTCERT", "PGHOST", "PGSERVICE"} {
		t.Setenv(name, "")
	}
	for url, want := range map[string]struct {
		failed bool
		says   string
	}{
		"file:luxbff.db": {false, "a file"},
		"postgres://luxbff@db.example.com/luxbff":                                    {true, "db.example.com"},
		"postgres://luxbff:secret@db.example.com/luxbff?sslmode=disable":             {true, "db.example.com"},
		"postgres://luxbff@db.example.com/luxbff?sslmode=prefer":                     {true, "verify-full"},
		"postgres://luxbff@db.example.com/luxbff?sslmode=require":                    {true, "verify-full"},
		"postgres://luxbff@db.example.com/luxbff?sslmode=verify-ca":                  {true, "sslrootcert"},
		"postgres://luxbff@db.example.com/luxbff?sslmode=verify-full":                {false, "nobody"},
		"postgres://luxbff@203.0.113.7/luxbff?sslmode=require":                       {true, "203.0.113.7"},
		"postgres://luxbff@[2001:db8::1]/luxbff?sslmode=disable":                     {true, "2001:db8::1"},
		"postgres://luxbff@127.0.0.1/luxbff?sslmode=disable":                         {false, "nobody"},
		"postgres://luxbff@[::1]/luxbff":                                             {false, "nobody"},
		"postgres://luxbff@localhost/luxbff":                                         {false, "nobody"},
		"postgres:///luxbff?host=/run/postgresql":                                    {false, "nobody"},
		"postgres://luxbff@postgres/luxbff?sslmode=disable":                          {false, "over a network"},
		"postgres://luxbff@localhost:5432,db.example.com:5432/luxbff?sslmode=prefer": {true, "db.example.com"},
	} {
		finding := admin.ExamineTransport(store.Config{URL: url})
		if (finding.Severity == admin.Wrong) != want.failed || !strings.Contains(finding.Detail, want.says) || strings.Contains(finding.Detail, "secret") {
			t.Errorf("%s: %+v, want %+v", url, finding, want)
		}
	}
}
