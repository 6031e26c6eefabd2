package main

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCatalogueFileMustNotChange while it is read: then its end is an error.
func TestCatalogueFileMustNotChange(t *testing.T) {
	t.Parallel()
	for name, appended := range map[string]string{"as it was": "", "longer": "second\n"} {
		path := filepath.Join(t.TempDir(), "devices.csv")
		if err := os.WriteFile(path, []byte("first\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := openCatalogueFile(path)
		if err != nil {
			t.Fatal(err)
		}
		reader := bufio.NewReader(file)
		if _, err := reader.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		if appended != "" {
			if err := os.WriteFile(path, []byte("first\n"+appended), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err = io.Copy(io.Discard, reader)
		if hasChanged := err != nil && strings.Contains(err.Error(), "has changed while it was read"); hasChanged != (appended != "") {
			t.Errorf("%s: %v", name, err)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
}
