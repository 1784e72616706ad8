//go:build !linux

package pgtest

import "os/exec"

// diesWithParent does nothing where the kernel has no death signal; a killed test then leaves its server behind.
func diesWithParent(*exec.Cmd) {}
