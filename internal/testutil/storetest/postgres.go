package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"sync"

	"luxbff/internal/store/migrations"
	"luxbff/internal/testutil/pgtest"
)

// postgresLender lends copies of a migrated database. That template is named after
// the migrations it was made with and stays on the server, so that all test processes
// share it, and no run migrates again.
func postgresLender(server string) (*pgtest.Lender, error) {
	lenders.mu.Lock()
	defer lenders.mu.Unlock()
	if lender := lenders.byServer[server]; lender != nil {
		return lender, nil
	}
	template, err := templateName()
	if err != nil {
		return nil, err
	}
	if err := pgtest.EnsureTemplate(context.Background(), server, template, migrate); err != nil {
		return nil, err
	}
	lenders.byServer[server] = &pgtest.Lender{Server: server, Template: template, Keep: "goose_db_version"}
	return lenders.byServer[server], nil
}

// lenders are those of this process, by server.
var lenders = struct {
	mu       sync.Mutex
	byServer map[string]*pgtest.Lender
}{byServer: map[string]*pgtest.Lender{}}

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
