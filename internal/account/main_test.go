package account_test

import (
	"testing"

	"luxbff/internal/testutil/accounttest"
	"luxbff/internal/testutil/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// The accounts of most tests, by short names.
const (
	phone         = accounttest.Phone
	email         = accounttest.Email
	password      = accounttest.Password
	localPassword = accounttest.LocalPassword
)
