package signals

import (
	"os"
	"os/signal"
	"syscall"
)

// Ending returns the signals that end a command. A hang-up is not one of them when
// it was ignored from the start, as nohup and disown arrange.
func Ending() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}
