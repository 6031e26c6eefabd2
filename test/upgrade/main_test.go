package upgrade_test

import (
	"testing"

	"luxbff/internal/testutil/processtest"
)

func TestMain(m *testing.M) { processtest.Main(m) }
