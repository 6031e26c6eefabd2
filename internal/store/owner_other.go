//go:build !linux && !darwin

package store

import (
	"errors"
	"os"
	"strconv"
)

// Systems other than those that the program is tested on say by an error of SQLite who
// may not write.
func access(path string) error {
	_, err := os.Stat(path)
	return err
}

// OwnerName is unknown here.
func OwnerName(string) (string, error) { return "", errors.ErrUnsupported }

// GiveToOwnerOfFolder does nothing here.
func GiveToOwnerOfFolder(*os.File) error { return nil }

func userName(uid int) string { return strconv.Itoa(uid) }
