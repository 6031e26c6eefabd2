package storetest

import (
	"testing"

	"go.uber.org/goleak"
)

// Main is the TestMain of a package that opens databases. It runs the tests and fails if
// they leave a goroutine behind. One is left alone: where a statement was cancelled, pgx
// closes its connection in the background, and waits for the server for up to 15 s.
func Main(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgconn.(*PgConn).asyncClose.func1"))
}
