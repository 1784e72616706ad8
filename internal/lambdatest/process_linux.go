package lambdatest

import (
	"os/exec"
	"syscall"
)

// diesWithParent makes the kernel kill the program when this process dies, however it dies.
func diesWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
