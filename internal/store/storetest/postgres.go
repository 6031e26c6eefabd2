package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sync"

	"luxbff/internal/store/migrations"
	"luxbff/internal/store/throwaway"
)

// postgresTemplate names the migrated database that each test copies. It is
// named after the migrations it was made with and stays on the server: test
// processes, which run side by side, share it.
func postgresTemplate(server string) (string, error) {
	templates.mu.Lock()
	defer templates.mu.Unlock()
	if templates.name != "" {
		return templates.name, nil
	}
	name, err := templateName()
	if err != nil {
		return "", err
	}
	if err := throwaway.Ensure(context.Background(), server, name, migrate); err != nil {
		return "", err
	}
	templates.name = name
	return name, nil
}

var templates struct {
	mu   sync.Mutex
	name string
}

func templateName() (string, error) {
	sum := sha256.New()
	files := migrations.Postgres()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		sum.Write(content)
		return err
	})
	return "luxbff_template_" + hex.EncodeToString(sum.Sum(nil))[:16], err
}
