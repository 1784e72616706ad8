package main

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// The requests of Linux that make a pair of a terminal and whoever holds it.
const (
	unlockPair = 0x40045431 // TIOCSPTLCK
	numberPair = 0x80045430 // TIOCGPTN
	resize     = 0x5414     // TIOCSWINSZ
)

// onTerminal runs cachectl with a terminal of so many columns as its stdout, and returns what was written there.
func (o *operator) onTerminal(t *testing.T, columns uint16, args ...string) (status int, shown, stderr string) {
	t.Helper()
	holder, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	unlocked, number, size := int32(0), uint32(0), [4]uint16{50, columns}
	for request, argument := range map[uintptr]unsafe.Pointer{
		unlockPair: unsafe.Pointer(&unlocked), numberPair: unsafe.Pointer(&number), resize: unsafe.Pointer(&size),
	} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, holder.Fd(), request, uintptr(argument)); errno != 0 {
			t.Fatal(errno)
		}
	}
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		var all bytes.Buffer
		_, _ = all.ReadFrom(holder) // ends with an error when the terminal is closed
		read <- all.String()
	}()
	var talk bytes.Buffer
	lookup := func(name string) (string, bool) { value, found := o.env[name]; return value, found }
	status = run(context.WithoutCancel(t.Context()), args, lookup, strings.NewReader(""), terminal, &talk)
	if err := terminal.Close(); err != nil {
		t.Error(err)
	}
	return status, strings.ReplaceAll(<-read, "\r\n", "\n"), talk.String()
}
