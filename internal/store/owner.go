//go:build linux || darwin

package store

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// access asks whether the user that runs this may read and write a file, or make files
// in a folder.
func access(path string) error {
	found, err := os.Stat(path)
	if err != nil {
		return err
	}
	mode := uint32(unix.R_OK | unix.W_OK)
	if found.IsDir() {
		mode = unix.W_OK | unix.X_OK
	}
	return unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS)
}

func owner(path string) (uid, gid int, err error) {
	found, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	stat, ok := found.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, fmt.Errorf("store: %s has no owner", path)
	}
	return int(stat.Uid), int(stat.Gid), nil
}

// GiveToOwnerOfFolder gives a new file to the user that its folder belongs to, if root
// made it: the program, which runs as that user, could not open it otherwise. The files
// that SQLite makes beside a database it gives to the owner of the database by itself.
func GiveToOwnerOfFolder(file *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := owner(filepath.Dir(file.Name()))
	if err != nil || uid == 0 {
		return err
	}
	return file.Chown(uid, gid)
}

// OwnerName gives the user that a file belongs to.
func OwnerName(path string) (string, error) {
	uid, _, err := owner(path)
	if err != nil {
		return "", err
	}
	return userName(uid), nil
}

// userName gives the name of a user, or the number where the user has none, as in
// containers.
func userName(uid int) string {
	found, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return strconv.Itoa(uid)
	}
	return found.Username
}
