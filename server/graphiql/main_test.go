//go:build !browser

package graphiql_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain looks for leaks of the server alone: what drives a browser may outlive
// the tests behind that tag.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
