package auth_test

import (
	"testing"

	"go.uber.org/goleak"

	"luxbff/internal/testutil/accounttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The accounts of most tests, by short names.
const (
	phone         = accounttest.Phone
	email         = accounttest.Email
	password      = accounttest.Password
	localPassword = accounttest.LocalPassword
)
