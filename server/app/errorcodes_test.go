package app_test

import (
	"slices"
	"testing"

	"luxbff/internal/apperr"
	"luxbff/internal/testutil/apptest"
)

// TestErrorCodesAreAnswered asks a running server for the codes as an app could. That the
// list is complete is held beside the schema.
func TestErrorCodesAreAnswered(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	token, _ := s.Parent(t)
	var answer struct{ ErrorCodes []string }
	s.Data(t, token, `{ errorCodes }`, nil, &answer)
	for _, want := range []string{apperr.NotFoundDevice.New().Code(), "GRAPHQL_VALIDATION_FAILED", "INVALID_NAVER_ACCESS_TOKEN"} {
		if !slices.Contains(answer.ErrorCodes, want) {
			t.Errorf("%s is not among the %d codes", want, len(answer.ErrorCodes))
		}
	}
}
