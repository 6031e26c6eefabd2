package idempotency_test

import (
	"testing"

	"luxbff/internal/testutil/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
