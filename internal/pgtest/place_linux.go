package pgtest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// memory is where Linux has files in memory.
	memory = "/dev/shm"
	// room is what has to be free there. A package's servers take up to half of it, and a few packages run at once.
	room = 2 << 30
	// tmpfs is the kernel's number for a file system in memory.
	tmpfs = 0x01021994
)

// placeInMemory makes a place in memory, or none where there is no room.
func placeInMemory() (*place, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || fs.Type != tmpfs || fs.Bavail*uint64(fs.Bsize) < room {
		return nil, nil
	}
	sweep(memory)
	draft, err := os.MkdirTemp(memory, "."+placeName)
	if errors.Is(err, os.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p := &place{dir: filepath.Join(memory, filepath.Base(draft)[1:])}
	p.kept = inTempDir(p.dir)
	if p.held = hold(draft); p.held == nil {
		return nil, errors.Join(errors.New("cannot lock "+draft), os.Remove(draft))
	}
	return p, os.Rename(draft, p.dir) // only now, as sweep takes those that nobody holds
}

// sweep removes what tests have left that were killed: memory, unlike a disk, is soon full.
func sweep(dir string) {
	places, _ := filepath.Glob(filepath.Join(dir, placeName+"*")) // the only error is a bad pattern
	for _, left := range places {
		if held := hold(left); held != nil {
			_ = os.RemoveAll(left) // what cannot be removed is only in the way
			_ = held.Close()
		}
	}
}

// hold locks a directory for as long as the file is open, or until this process ends. It returns nil when another has it.
func hold(dir string) *os.File {
	file, err := os.Open(dir)
	if err != nil {
		return nil
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil
	}
	return file
}
