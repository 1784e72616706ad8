package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// placeName is how the directories of all clusters begin.
const placeName = "redcache-pg-"

// place is a directory that a cluster has to itself.
type place struct {
	dir  string
	kept string   // where it is when it outlives the cluster
	held *os.File // in memory only: its lock says that the place is in use
}

// settle gives the cluster a place. What a server does most in tests is to make and drop databases, which is to make and
// remove hundreds of files; that takes a tenth of the time where no disk is asked for them.
func (c *Cluster) settle(inMemory bool) (err error) {
	c.place, err = nil, nil
	if inMemory {
		c.place, err = placeInMemory()
	}
	if c.place == nil && err == nil {
		c.place, err = placeOnDisk()
	}
	if err != nil {
		return fmt.Errorf("make cluster directory: %w", err)
	}
	c.Dir = c.place.dir
	return c.account.own(c.Dir)
}

func placeOnDisk() (*place, error) {
	dir, err := os.MkdirTemp("", placeName)
	return &place{dir: dir, kept: dir}, err
}

// leave removes the directory, or moves it from memory to the disk to be kept.
func (p *place) leave(keep bool) (err error) {
	switch {
	case !keep:
		err = os.RemoveAll(p.dir)
	case p.kept != p.dir:
		if out, moveErr := exec.Command("mv", p.dir, p.kept).CombinedOutput(); moveErr != nil { // Rename stays on one disk
			err = fmt.Errorf("move %s to %s: %w\n%s", p.dir, p.kept, moveErr, out)
		}
	}
	if p.held != nil {
		err = errors.Join(err, p.held.Close())
		p.held = nil
	}
	return err
}

// inTempDir is where a directory of that name is on the disk.
func inTempDir(dir string) string { return filepath.Join(os.TempDir(), filepath.Base(dir)) }
