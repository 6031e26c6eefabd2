package accounttest

import (
	"errors"
	"testing"

	"luxbff/internal/apperr"
)

// OK ends the test at an error.
func OK(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(Cause(err))
	}
}

// WantKind fails the test unless err is of the kind.
func WantKind(t testing.TB, err error, kind apperr.Kind) {
	t.Helper()
	if !apperr.Is(err, kind) {
		t.Errorf("got %v, want %v", Cause(err), kind.New())
	}
}

// Cause is what an error hides from clients and a failed test should show.
func Cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// CountByDetail counts the errors by the text that clients see; "" stands for
// success.
func CountByDetail(errs []error) map[string]int {
	count := map[string]int{}
	for _, err := range errs {
		if err == nil {
			count[""]++
			continue
		}
		count[apperr.From(err).Detail()]++
	}
	return count
}
