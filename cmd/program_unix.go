//go:build unix

package cmd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// wholeProgram makes a program that has not started one that can be ended with all
// that it has started, and returns what ends it.
//
// Without a terminal the program gets a process group of its own, which is killed.
// On a terminal it has to stay in ours: it may ask a person there, and the kernel stops
// a group in the background that reads from it. A group in the foreground instead of
// ours would take Ctrl-Z, and the keys of whoever reads what we write. The terminal's
// signals reach all of them; what ends the program otherwise kills those that descend
// from it.
func wholeProgram(c *exec.Cmd) (kill func() error) {
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0); err == nil {
		_ = tty.Close() // only whether there is one counts
		return func() error {
			found := descendants(c.Process.Pid)
			err := c.Process.Kill() // first: it starts no more
			for _, pid := range found {
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
			}
			return err
		}
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}

// listLimit bounds asking for the processes of this machine. It is less than env.Grace: an
// interrupt waits for that.
const listLimit = 500 * time.Millisecond

// descendants are the processes that one has started, and those that they have. Where
// ps, which POSIX has, is not there or late, there are none.
func descendants(pid int) []int {
	ctx, cancel := context.WithTimeout(context.Background(), listLimit)
	defer cancel()
	list, err := exec.CommandContext(ctx, "ps", "-A", "-o", "pid=", "-o", "ppid=").Output()
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for lines := bufio.NewScanner(bytes.NewReader(list)); lines.Scan(); {
		var child, parent int
		if _, err := fmt.Sscan(lines.Text(), &child, &parent); err == nil {
			children[parent] = append(children[parent], child)
		}
	}
	var found []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		found = append(found, next[0])
		next = append(next, children[next[0]]...)
	}
	return found
}
