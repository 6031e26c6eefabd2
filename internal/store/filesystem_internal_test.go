//go:build linux

package store

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnfitFileSystem asks the kernel about a folder in memory and one that is not there,
// and looks at the kinds that no test can mount.
func TestUnfitFileSystem(t *testing.T) {
	t.Parallel()
	if got := UnfitFileSystem("/dev/shm"); !strings.Contains(got, "lost when the machine restarts") {
		t.Errorf("shared memory: %q", got)
	}
	if got := UnfitFileSystem("/dev/shm/none"); got != "" {
		t.Errorf("no folder: %q", got)
	}
	for kind, want := range map[uint32]string{
		unix.NFS_SUPER_MAGIC: "on NFS", unix.SMB2_SUPER_MAGIC: "SMB", unix.V9FS_MAGIC: "9p", unix.FUSE_SUPER_MAGIC: "FUSE",
		unix.CEPH_SUPER_MAGIC: "network", unix.OVERLAYFS_SUPER_MAGIC: "volume",
	} {
		if got := unfitKind(kind); !strings.Contains(got, want) {
			t.Errorf("%#x: %q, want %q", kind, got, want)
		}
	}
	for _, kind := range []uint32{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */} {
		if got := unfitKind(kind); got != "" {
			t.Errorf("%#x: %q", kind, got)
		}
	}
}
