//go:build !linux

package lambdatest

import "os/exec"

// diesWithParent has no counterpart here: a program may outlive a test that is killed.
func diesWithParent(*exec.Cmd) {}
