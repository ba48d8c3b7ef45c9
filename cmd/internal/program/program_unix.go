//go:build unix

package program

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

// wholeProgram prepares a program, before its start, to be killed together with all that it
// will have started, and returns the function that does so.
//
// Without a terminal the program gets a process group of its own, which is killed.
// On a terminal it has to stay in ours: it may ask a person there, and the kernel stops
// a group in the background that reads from it. In a foreground group of its own it would
// take Ctrl-Z, and the keys of the program that reads our output. So the signals of the
// terminal reach all of them, and the function kills the descendants of the program.
func wholeProgram(c *exec.Cmd) (kill func() error) {
	if tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0); err == nil {
		_ = tty.Close() // only its existence matters
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

// listLimit bounds the listing of the processes of this machine. It is less than env.Grace,
// which is how long an interrupt waits.
const listLimit = 500 * time.Millisecond

// descendants returns the processes that one has started, and those that they have started.
// It returns none where ps, which POSIX demands, is missing or late.
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
