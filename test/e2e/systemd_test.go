//go:build systemd

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"luxbff/internal/testutil/processtest"
)

// TestServiceFile holds that systemd understands every line of the unit, and finds little
// that an intruder could reach: less than 1.5 on its scale to 10, where services without
// hardening have 9.
func TestServiceFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../examples/luxbff.service")
	if err != nil {
		t.Fatal(err)
	}
	const installed = "ExecStart=/usr/local/bin/luxbff\n"
	if !strings.Contains(string(text), installed) {
		t.Fatalf("the unit has no %s", installed)
	}
	unit := filepath.Join(t.TempDir(), "luxbff.service")
	here := strings.Replace(string(text), installed, "ExecStart="+processtest.Build(t)+"\n", 1)
	if err := os.WriteFile(unit, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	// What systemd doesn't know it only warns of.
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput(); err != nil || strings.Contains(string(out), "luxbff.service") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=15", unit).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
