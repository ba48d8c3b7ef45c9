package shell

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/signals"
	"github.com/rpcctl/rpcctl/formatters"
)

// own takes the signals from the command line, which would end the process: a shell ends the
// call instead.
func (s *shell) own() {
	if s.env.ReleaseSignals != nil {
		s.env.ReleaseSignals()
	}
	signal.Notify(s.signals, append(signals.Window(), signals.Ending()...)...)
	go func() {
		for {
			select {
			case sig := <-s.signals:
				s.signalled(sig)
			case <-s.ctx.Done():
				signal.Stop(s.signals)
				return
			}
		}
	}()
}

// signalled is called for each signal.
func (s *shell) signalled(sig os.Signal) {
	switch {
	case sig == os.Interrupt:
		if !s.interrupted() {
			s.nudge()
		}
	case sig == syscall.SIGTERM:
		s.die(exitTerminated)
	case sig == syscall.SIGHUP:
		s.die(exitHangUp)
	case signals.IsQuit(sig): // what it is at goes to a terminal that is fit for it
		if e := s.signalledEditor.Load(); e != nil {
			e.Restore()
		}
		signals.Quit()
	case signals.IsResize(sig):
		if e := s.signalledEditor.Load(); e != nil {
			e.Resize()
		}
	case signals.IsStop(sig):
		if !s.toBackground() {
			s.stopAsked.Store(true)
			if e := s.signalledEditor.Load(); e != nil {
				e.Abort()
			}
		}
	}
}

// nudge wakes the loop that reads plain lines.
func (s *shell) nudge() {
	select {
	case s.nudged <- struct{}{}:
	default:
	}
}

// die ends the shell with an exit code: everything is cancelled, and what does not end by itself
// within a moment is left behind.
func (s *shell) die(code int) {
	s.callMu.Lock()
	if s.dying.Load() == 0 {
		s.dying.Store(int32(code))
	}
	interrupt := func() {}
	if s.foreground != nil {
		interrupt = s.foreground.interrupt
	}
	s.callMu.Unlock()
	interrupt()
	s.setDead()
	for _, w := range s.jobs.all() {
		w.Cancel()
	}
	if e := s.signalledEditor.Load(); e != nil {
		e.HangUp()
	}
	s.nudge()
	time.AfterFunc(2*env.Grace, func() {
		if e := s.signalledEditor.Load(); e != nil {
			_ = e.Close()
		}
		os.Exit(code)
	})
}

// suspendIfAsked suspends the shell when a signal has asked for that at the prompt.
func (s *shell) suspendIfAsked() {
	if s.stopAsked.Swap(false) {
		if err := s.editor.Suspend(); err != nil {
			s.say("suspending: " + formatters.CleanLine(err.Error()))
		}
	}
}
