package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"luxbff/internal/store/admin"
	"luxbff/server/rest"
)

// mostSunsetBytes bounds the file of SUNSETS: all routes together take a tenth.
const mostSunsetBytes = 64 << 10

// readSunsets reads SUNSETS; there are none without it. The error names the file, the line and
// what is wrong with it.
func (c Config) readSunsets() (rest.Sunsets, error) {
	if c.Sunsets == "" {
		return rest.Sunsets{}, nil
	}
	text, err := readSmallFile(c.Sunsets, mostSunsetBytes)
	if err != nil {
		return nil, fmt.Errorf("SUNSETS: %w", err)
	}
	sunsets, err := rest.ParseSunsets(text, rest.Surfaces())
	if err != nil {
		return nil, fmt.Errorf("SUNSETS: %s: %w", c.Sunsets, err)
	}
	return sunsets, nil
}

func readSmallFile(path string, most int64) (string, error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, most+1))
	if err = errors.Join(err, file.Close()); err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return string(text), err
}

// ReloadSunsets reads SUNSETS, for the first time or again. If anything is wrong with it, the days of before stay.
func (a *App) ReloadSunsets(ctx context.Context) error {
	sunsets, err := a.Config.readSunsets()
	if err != nil {
		return err
	}
	a.sunsets.Store(&sunsets)
	if a.Config.Sunsets == "" {
		return nil
	}
	a.options.Log.InfoContext(ctx, "ends of routes", "routes", len(sunsets))
	return nil
}

// examineSunsets reads the file as a start does.
func (c Config) examineSunsets() admin.Finding {
	sunsets, err := c.readSunsets()
	if err != nil {
		return admin.Finding{Check: "sunsets", Detail: err.Error(), Severity: admin.Wrong}
	}
	return admin.Finding{Check: "sunsets", Detail: fmt.Sprintf("of %d routes", len(sunsets))}
}
