//go:build linux || darwin

package admin

import "golang.org/x/sys/unix"

// freeSpace is how many bytes the disk of a folder still takes from a user without
// special rights.
func freeSpace(folder string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(folder, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:gosec,unconvert // the fields differ between systems
}
