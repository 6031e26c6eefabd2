package e2e_test

import (
	"testing"

	"luxbff/internal/testutil/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }
