package store

import "golang.org/x/sys/unix"

// UnfitFileSystem says what is wrong with keeping an SQLite database in a folder, by the
// kind of its file system; empty where nothing is, or where the kind can't be found out.
//
// The write-ahead log needs memory that all processes with the file share and locks that
// hold between them, which no file system over a network has to offer. Others lose what
// they hold.
func UnfitFileSystem(folder string) string {
	var found unix.Statfs_t
	if err := unix.Statfs(folder, &found); err != nil {
		return ""
	}
	return unfitKind(uint32(found.Type)) //nolint:gosec // the kernel's numbers have 32 bits
}

func unfitKind(kind uint32) string {
	const networked = ": locks and shared memory are not safe there, and the database can be damaged; keep it on a disk of this machine, or use PostgreSQL"
	switch kind {
	case unix.NFS_SUPER_MAGIC:
		return "it is on NFS" + networked
	case unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC:
		return "it is on a Windows share (SMB)" + networked
	case unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.CODA_SUPER_MAGIC, unix.NCP_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC:
		return "it is on a network file system" + networked
	case unix.V9FS_MAGIC:
		return "it is on a folder that a virtual machine shares (9p)" + networked
	case unix.FUSE_SUPER_MAGIC:
		return "it is on FUSE, as sshfs, s3fs and folders shared with a virtual machine are" + networked
	case unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return "it is in memory (tmpfs) and is lost when the machine restarts: keep it on a disk"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "it is in a container's own layer and is lost with the container: keep it on a volume"
	}
	return ""
}
