package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is whom the server runs as: initdb and postgres refuse root. The zero account is the current user.
type account struct {
	uid, gid uint32
	switched bool
}

func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return &account{}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		return &account{uid: uint32(uid), gid: uint32(gid), switched: true}, nil
	}
	return nil, errors.New("postgres refuses to run as root, and neither user postgres nor nobody exists")
}

// own gives files to the account.
func (a *account) own(paths ...string) error {
	if !a.switched {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
			return fmt.Errorf("hand %s to the server's user: %w", path, err)
		}
	}
	return nil
}

// run makes a command run as the account.
func (a *account) run(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if a.switched {
		// libpq, which dblink uses in the server, gives up TLS when it may not look for certificates in its home.
		cmd.Env = append(os.Environ(), "HOME="+cmd.Dir)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
}
