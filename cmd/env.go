package cmd

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/secret"
	"golang.org/x/term"
)

// An Env is the outside world. Main fills it from the process; tests fill it
// with buffers.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// StdinTTY, StdoutTTY and StderrTTY tell whether a person is at the other end.
	StdinTTY, StdoutTTY, StderrTTY bool
	Width                          int // columns of the terminal; 0: none
	Getenv                         func(string) string
	LookupEnv                      func(string) (string, bool)
	CacheDir                       string // where schemas are remembered; "": nowhere
	Now                            func() time.Time
	// Dial makes connections; nil: the network's own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// WorkDir is the working folder, from which a project's file is looked for; "":
	// none is.
	WorkDir string
	// ReadPassword asks a person for a password and does not show it; nil: there is
	// nobody to ask.
	ReadPassword func(ctx context.Context, prompt string) (string, error)
	// releaseSignals leaves the signals to the command, which handles them itself; nil:
	// nobody else does.
	releaseSignals func()
	place          string // of a statement in a script, for what is told of it
	// Secrets is what was sent as a secret. Run makes it when it is nil.
	Secrets *secret.Seen
	// programDir is the folder for programs that a file names; "": the working folder.
	programDir string
	// only is the program that may be started, and no other; nil: any may.
	only *tokenProgram
	said *sync.Map // what a shell has already said once; nil: nothing is remembered
	// Yielded is set while another program has the terminal, such as an editor: an
	// interrupt from the keyboard is then its own.
	Yielded *atomic.Bool
	// InCall is set while a remote call is in flight, and only read by others.
	InCall *atomic.Bool
}

// processEnv is the Env of this process.
func processEnv() *Env {
	e := &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Getenv:    os.Getenv,
		LookupEnv: os.LookupEnv,
		Now:       time.Now,

		ReadPassword: readPassword,
		InCall:       new(atomic.Bool),
		Yielded:      new(atomic.Bool),
		said:         new(sync.Map),
	}
	if dir, err := os.Getwd(); err == nil {
		e.WorkDir = dir
	}
	if dir, err := os.UserCacheDir(); err == nil {
		e.CacheDir = filepath.Join(dir, "rpcctl")
	}
	if e.StdoutTTY {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			e.Width = w
		}
	}
	return e
}

// guarded returns an Env that masks on standard error what was sent as a secret,
// wherever it comes back: in an error of a server, or in its metadata.
func (e *Env) guarded() *Env {
	g := *e
	if g.Secrets == nil {
		g.Secrets = new(secret.Seen)
	}
	g.Stderr = g.Secrets.Writer(e.Stderr)
	fault.Mask(g.Secrets.Mask)
	return &g
}
