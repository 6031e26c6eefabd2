package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// CheckPlace says why no database can be at a path, nil where one is or can be made.
// It changes nothing. A start, restore and the doctor ask it, so that they say the same.
func CheckPlace(path string) error {
	found, err := os.Lstat(path)
	if err == nil && found.Mode()&fs.ModeSymlink != 0 {
		if found, err = os.Stat(path); err != nil {
			return explainLink("it", path, err)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.Join(checkFolder(filepath.Dir(path)), checkLogAlone(path))
	case err != nil:
		return explainFolder(filepath.Dir(path), err)
	case found.IsDir():
		return errors.New("it is a folder: the database URL must name a file")
	case !found.Mode().IsRegular():
		return errors.New("it is no ordinary file: the database URL must name one")
	case found.Size() == 0:
		return checkLogAlone(path)
	}
	return nil
}

// checkFolder finds a path at which no file can be. SQLite's own message for it is
// "out of memory".
func checkFolder(folder string) error {
	found, err := os.Lstat(folder)
	if err == nil && found.Mode()&fs.ModeSymlink != 0 {
		if found, err = os.Stat(folder); err != nil {
			return explainLink("its folder "+folder, folder, err)
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s: make it, or name another in the database URL", folder)
	case err != nil:
		return explainFolder(folder, err)
	case !found.IsDir():
		return fmt.Errorf("%s is a file and no folder: name another in the database URL", folder)
	}
	return nil
}

// explainLink says why a link cannot be followed.
func explainLink(name, path string, err error) error {
	target, _ := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is a link to %s, where nothing is: bring back what it leads to, such as a disk that is not mounted, or remove the link", name, target)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%s is a link to %s, which leads back to it: remove the link", name, target)
	}
	return fmt.Errorf("%s is a link to %s, which user %s cannot follow: give that user the right to enter each folder on the way", name, target, userName(os.Geteuid()))
}

// explainFolder says why a path leads nowhere, by the outermost folder that is to blame.
func explainFolder(folder string, err error) error {
	for parent := filepath.Dir(folder); parent != folder; parent = filepath.Dir(folder) {
		if _, inner := os.Stat(folder); inner == nil {
			break
		}
		folder = parent
	}
	user, owner := userName(os.Geteuid()), ownerName(folder)
	switch {
	case errors.Is(err, fs.ErrPermission) && user == owner:
		return fmt.Errorf("user %s cannot enter the folder %s, which is the user's own: chmod u+rwx %[2]s", user, folder)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("user %s cannot enter the folder %s, which belongs to %s: if the program runs as %[1]s, give it back as root with chown %[1]s %[2]s; otherwise run this as the program's user", user, folder, owner)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%s is a file and no folder: name another in the database URL", folder)
	case errors.Is(err, syscall.ELOOP):
		return errors.New("a folder on its path is a link that leads back to itself: remove the link")
	}
	return err
}

// checkLogAlone refuses a write-ahead log without its database. SQLite would delete it,
// and what it holds was acknowledged.
func checkLogAlone(path string) error {
	log := path + "-wal"
	if found, err := os.Stat(log); err == nil && found.Size() > 0 {
		return fmt.Errorf("the database is gone and its write-ahead log %s is left, which may hold the last uploads: put the database back beside it; if there is none, move the log away and restore the last backup", log)
	}
	return nil
}

// CheckWritable says why the user that runs this cannot write to the database at a
// path, nil where he can. SQLite writes to the file, to its journal and its index, and
// makes both in the folder. It changes nothing.
func CheckWritable(path string) error {
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		err := access(file)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return explainAccess(file, err)
	}
	folder := filepath.Dir(path)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		folder = filepath.Dir(target) // where SQLite makes the journal
	}
	if err := access(folder); err != nil {
		return explainAccess(folder, err)
	}
	return nil
}

// explainAccess says why a file or folder cannot be written to.
func explainAccess(path string, err error) error {
	user, owner := userName(os.Geteuid()), ownerName(path)
	switch {
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("the disk of %s is mounted read-only, as the system does by itself after errors of a disk: look for them in its log (dmesg), then mount the disk for writing", path)
	case errors.Is(err, syscall.EACCES) && user == owner:
		return fmt.Errorf("user %s may not write to %s, which is the user's own: chmod u+rwX %[2]s", user, path)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("user %s may not write to %s, which belongs to %s: if the program runs as %[1]s, give it back as root with chown %[1]s %[2]s; otherwise run this as the program's user", user, path, owner)
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%s is protected against every change: as root chattr -i %[1]s", path)
	}
	return fmt.Errorf("%s cannot be written to: %w", path, err)
}

func ownerName(path string) string {
	owner, err := OwnerName(path)
	if err != nil {
		return "another user"
	}
	return owner
}
