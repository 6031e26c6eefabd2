//go:build linux

package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"luxbff/internal/testutil"
)

// manyDevices is a catalogue of n devices.
func manyDevices(n int) []byte {
	var file bytes.Buffer
	file.WriteString("serial_code,mac,project_id,hardware_id,firmware_id,firmware_version\n")
	for i := range n {
		fmt.Fprintf(&file, "SL7%07d,00:80:E2:%02X:%02X:%02X,1,1,1,1.0.0\n", i, i>>16, i>>8&255, i&255)
	}
	return file.Bytes()
}

// TestInterruptedDevicesImport interrupts and kills an import beside a server that stores
// uploads, on a terminal that shows how far it is. Run again, from a pipe, it finishes.
func TestInterruptedDevicesImport(t *testing.T) {
	t.Parallel()
	const devices = 20_000
	folder := t.TempDir()
	file, catalogue := filepath.Join(folder, "import.db"), filepath.Join(folder, "devices.csv")
	if err := os.WriteFile(catalogue, manyDevices(devices), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startOnFile(t, file)
	token := s.signIn(t)
	for number, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		importing := command(t, file, "devices", "import", catalogue)
		shown := onTerminal(t, importing)
		testutil.WaitFor(t, "the import to write", func() bool { return strings.Contains(shown.String(), "\r\x1b[Kwriting: ") })
		s.uploadOne(t, token, number)
		if err := importing.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if err := importing.Wait(); err == nil {
			t.Errorf("%v ends it with success", signal)
		}
		if signal == syscall.SIGINT {
			testutil.WaitFor(t, "the advice", func() bool { return strings.Contains(shown.String(), "changes, which stay; import the file again") })
		}
	}
	again := command(t, file, "devices", "import", "-")
	var logged bytes.Buffer
	again.Stdin, again.Stderr = bytes.NewReader(manyDevices(devices)), &logged
	out, err := again.Output()
	var added, unchanged int
	if _, scanErr := fmt.Sscanf(string(out), "%d devices added, 0 updated, %d unchanged\n", &added, &unchanged); err != nil || scanErr != nil ||
		added+unchanged != devices || unchanged == 0 || strings.Contains(logged.String(), "\r") {
		t.Errorf("again: %v, %q, %q", err, out, logged.String())
	}
	s.uploadOne(t, token, 2)
}

// onTerminal starts the command with a terminal as its standard error, and gives what it
// shows there.
func onTerminal(t *testing.T, c *exec.Cmd) *testutil.Log {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	side, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = side
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = side.Close()
	shown := new(testutil.Log)
	var copying sync.WaitGroup
	copying.Go(func() { _, _ = io.Copy(shown, terminal) }) // until the command has ended
	t.Cleanup(func() {
		_ = c.Process.Kill()
		copying.Wait()
		_ = terminal.Close()
	})
	return shown
}

// TestDevicesImportRefusesWhatIsNoFile: a folder and an empty pipe. A signal ends it while it waits
// for a pipe.
func TestDevicesImportRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, "import.db")
	for name, want := range map[string]string{folder: "it is a folder", "-": "the file is empty", filepath.Join(folder, "none.csv"): "no such file"} {
		if out, err := command(t, file, "devices", "import", name).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	waiting := command(t, file, "devices", "import", "-")
	input, err := waiting.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = input.Close() }()
	shown := new(testutil.Log)
	waiting.Stdout, waiting.Stderr = shown, shown
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	// More than a pipe holds: then the command reads.
	if _, err := input.Write(manyDevices(3000)); err != nil {
		t.Fatal(err)
	}
	if err := waiting.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := waiting.Wait(); err == nil || !strings.Contains(shown.String(), "nothing of the file is stored") {
		t.Errorf("%v %s", err, shown)
	}
}
