package pgtest

import "os/exec"

// diesWithParent makes the kernel stop the server when this process dies, however it dies.
func diesWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = immediate }
