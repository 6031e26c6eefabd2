//go:build linux || darwin

package admin

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Where SQLite takes its locks (its file format, "wal-index locks" and os.h): on a range
// of bytes of the database who keeps out all others, on a byte of the index who writes.
const (
	sharedLocks   = 0x40000000 + 2
	sharedLength  = 510
	writeLock     = 120
	lockPatience  = 5 * time.Second
	lockPollEvery = 50 * time.Millisecond
)

// holder gives the process that has locked bytes of a file for writing, 0 for none. It
// must not be called while this process has the same file open: to close a file ends all
// locks of the process on it.
func holder(path string, start, length int64) int {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	lock := unix.Flock_t{Type: unix.F_RDLCK, Whence: io.SeekStart, Start: start, Len: length}
	if err := unix.FcntlFlock(file.Fd(), unix.F_GETLK, &lock); err != nil || lock.Type == unix.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}

// examineLocks finds a program that keeps the others out of a database, or has begun to
// write and does not end. The one that serves the database writes all day, but lets go
// after each commit.
func examineLocks(ctx context.Context, path string) (Finding, bool) {
	if pid := heldAllTheTime(ctx, path, sharedLocks, sharedLength); pid > 0 {
		return failed("locks", "process %d keeps all others out of %s: `ps -fp %[1]d` shows it; end it. The file itself may be sound", pid, path), true
	}
	if pid := heldAllTheTime(ctx, path+"-shm", writeLock, 1); pid > 0 {
		return failed("locks", "process %d has been writing to %s for %v, and no other can meanwhile: `ps -fp %[1]d` shows it; if it is another program than luxbff, end it", pid, path, lockPatience), true
	}
	return Finding{}, false
}

// heldAllTheTime gives the process that has a lock and does not let go of it, 0 for none.
func heldAllTheTime(ctx context.Context, path string, start, length int64) int {
	patience := time.NewTimer(lockPatience)
	defer patience.Stop()
	poll := time.NewTicker(lockPollEvery)
	defer poll.Stop()
	for {
		pid := holder(path, start, length)
		if pid == 0 {
			return 0
		}
		select {
		case <-poll.C:
		case <-patience.C:
			return pid
		case <-ctx.Done():
			return 0
		}
	}
}
