// Package interrupts has what Ctrl-C, Ctrl-Z and signals do to the shell and to what runs in it.
package interrupts

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/signals"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/repl"
)

// Exit codes of a shell that a signal ends, which are those of other shells.
const (
	HangUp     = 129
	terminated = 143
)

// Pressing Ctrl-C again within PressTime asks for more; within burstTime it is one press of a
// key that repeats.
const (
	PressTime = 2 * time.Second
	burstTime = 300 * time.Millisecond
)

// A Control hands keys and signals to what they are for. Its methods may be called from any
// goroutine.
type Control struct {
	env *env.Env
	ctx context.Context // of the shell

	// Dead ends with the shell, and sooner when a signal ends it.
	Dead context.Context
	// Nudged has a value when a signal came while plain lines are read.
	Nudged chan struct{}

	setDead    func()
	disconnect func() // closes the connections
	cancelJobs func()

	mu         sync.Mutex
	foreground *foreground  // what Ctrl-C is for; nil: the prompt
	dying      atomic.Int32 // the exit code of a signal; 0: none

	signals chan os.Signal
	// editor is the prompt. It is atomic since signals come while it is being opened, too.
	editor    atomic.Pointer[repl.Editor]
	stopAsked atomic.Bool // a signal asked to suspend the shell
}

// A foreground is what Ctrl-C and Ctrl-Z act on.
type foreground struct {
	interrupt  func()
	background func() // nil: it cannot go to the background
	presses    []time.Time
}

// New returns the control of a shell, which lives until ctx is done. A second Ctrl-C calls
// disconnect, and the end of the shell cancelJobs.
func New(ctx context.Context, env *env.Env, disconnect, cancelJobs func()) *Control {
	c := &Control{
		env: env, ctx: ctx, disconnect: disconnect, cancelJobs: cancelJobs,
		signals: make(chan os.Signal, 8), Nudged: make(chan struct{}, 1),
	}
	c.Dead, c.setDead = context.WithCancel(ctx)
	return c
}

// Begin returns the context of a statement, which Ctrl-C ends. end puts what ran before back into
// the foreground.
func (c *Control) Begin() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	before := c.foreground
	c.foreground = &foreground{interrupt: cancel}
	c.mu.Unlock()
	return ctx, func() {
		c.mu.Lock()
		c.foreground = before
		c.mu.Unlock()
		cancel()
	}
}

// Follow makes Ctrl-C call interrupt instead of ending the statement, and Ctrl-Z call leave. A
// nil function does nothing.
func (c *Control) Follow(interrupt, leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.foreground; f != nil {
		f.interrupt, f.background = interrupt, leave
	}
}

// Following reports whether something runs that Ctrl-Z sends to the background.
func (c *Control) Following() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.foreground != nil && c.foreground.background != nil
}

// Interrupt is Ctrl-C while something runs: it ends the call; again, the connections; a third time,
// the shell. It returns false when nothing runs.
func (c *Control) Interrupt() bool {
	c.mu.Lock()
	f := c.foreground
	if f == nil {
		c.mu.Unlock()
		return false
	}
	now := c.env.Now()
	if n := len(f.presses); n > 0 && now.Sub(f.presses[n-1]) > PressTime {
		f.presses = nil
	}
	if n := len(f.presses); n == 0 || now.Sub(f.presses[n-1]) > burstTime {
		f.presses = append(f.presses, now)
	}
	presses, interrupt := len(f.presses), f.interrupt
	c.mu.Unlock()
	interrupt()
	switch presses {
	case 1:
	case 2:
		c.disconnect()
	default:
		c.Die(problem.Interrupted)
	}
	return true
}

// toBackground handles Ctrl-Z while something runs. It returns false when that cannot go on in
// the background.
func (c *Control) toBackground() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.foreground == nil || c.foreground.background == nil {
		return false
	}
	c.foreground.background()
	return true
}

// Own takes the signals from the command line, which would end the process: in a shell they
// end the call.
func (c *Control) Own() {
	if c.env.ReleaseSignals != nil {
		c.env.ReleaseSignals()
	}
	signal.Notify(c.signals, append(signals.Window(), signals.Ending()...)...)
	go func() {
		defer fault.Exit()
		for {
			select {
			case sig := <-c.signals:
				c.signalled(sig)
			case <-c.ctx.Done():
				signal.Stop(c.signals)
				return
			}
		}
	}()
}

// SetEditor names the prompt that signals are for.
func (c *Control) SetEditor(e *repl.Editor) { c.editor.Store(e) }

// signalled is called for each signal.
func (c *Control) signalled(sig os.Signal) {
	switch {
	case sig == os.Interrupt:
		if !c.Interrupt() {
			c.nudge()
		}
	case sig == syscall.SIGTERM:
		c.Die(terminated)
	case sig == syscall.SIGHUP:
		c.Die(HangUp)
	case signals.IsQuit(sig): // the terminal must be fit for the stack that is printed
		if e := c.editor.Load(); e != nil {
			e.Restore()
		}
		signals.Quit()
	case signals.IsResize(sig):
		if e := c.editor.Load(); e != nil {
			e.Resize()
		}
	case signals.IsStop(sig):
		if !c.toBackground() {
			c.stopAsked.Store(true)
			if e := c.editor.Load(); e != nil {
				e.Abort()
			}
		}
	}
}

// nudge wakes the loop that reads plain lines.
func (c *Control) nudge() {
	select {
	case c.Nudged <- struct{}{}:
	default:
	}
}

// Die ends the shell with an exit code: everything is cancelled, and the process ends a moment
// later, whatever has not ended by then.
func (c *Control) Die(code int) {
	c.mu.Lock()
	if c.dying.Load() == 0 {
		c.dying.Store(int32(code))
	}
	interrupt := func() {}
	if c.foreground != nil {
		interrupt = c.foreground.interrupt
	}
	c.mu.Unlock()
	interrupt()
	c.setDead()
	c.cancelJobs()
	if e := c.editor.Load(); e != nil {
		e.HangUp()
	}
	c.nudge()
	time.AfterFunc(2*env.Grace, func() {
		if e := c.editor.Load(); e != nil {
			_ = e.Close()
		}
		os.Exit(code)
	})
}

// Dying returns the exit code of the signal that ends the shell, 0 for none.
func (c *Control) Dying() int { return int(c.dying.Load()) }

// TakeStop reports whether a signal has asked to suspend the shell since the last time.
func (c *Control) TakeStop() bool { return c.stopAsked.Swap(false) }
