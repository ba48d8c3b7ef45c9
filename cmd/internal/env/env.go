package env

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/secret"
)

// An Env is the outside world of one command. The process fills it from itself, tests
// from buffers. What changes while a command runs is behind a pointer, so that a copy
// with other streams shares it.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// StdinTTY, StdoutTTY and StderrTTY report whether the stream is a terminal.
	StdinTTY, StdoutTTY, StderrTTY bool
	Width                          int // columns of the terminal; 0: standard output is not one
	Getenv                         func(string) string
	LookupEnv                      func(string) (string, bool)
	CacheDir                       string // folder of the schema cache; "": there is no cache
	Now                            func() time.Time
	// Dial makes connections; nil: the net package does.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// WorkDir is the working folder, where the search for a project's file starts; "":
	// there is no search.
	WorkDir string
	// ReadPassword asks a person for a secret and does not echo it; nil: there is nobody
	// to ask.
	ReadPassword func(ctx context.Context, prompt string) (string, error)
	// ReleaseSignals stops the handling of signals by the process, for a command that
	// handles them itself; nil: there is none.
	ReleaseSignals func()
	// Secrets are the secrets that were sent so far. Guarded makes it when it is nil.
	Secrets *secret.Seen
	// ProgramDir is the folder in which a program that a file names is run; "": the working
	// folder.
	ProgramDir string
	// Only is the one program that may be started; nil: any may.
	Only *Program
	said *sync.Map // the texts of SayOnce so far; nil: they are not recorded
	// Yielded is set while another program has the terminal, such as an editor: an
	// interrupt from the keyboard is then its own.
	Yielded *atomic.Bool
	// InCall is set while a remote call is in flight.
	InCall *atomic.Bool
}

// Grace is how long a command may take to end after an interrupt before the process ends
// without it: its output may be stuck in a pipe that nobody reads.
const Grace = 700 * time.Millisecond

// A Program is a command line that prints a token, and the folder that it runs in.
type Program struct{ Command, Dir string }

// Process returns the Env of this process, without ReadPassword.
func Process() *Env {
	e := &Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		StdinTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		StdoutTTY: term.IsTerminal(int(os.Stdout.Fd())),
		StderrTTY: term.IsTerminal(int(os.Stderr.Fd())),
		Getenv:    os.Getenv,
		LookupEnv: os.LookupEnv,
		Now:       time.Now,

		InCall:  new(atomic.Bool),
		Yielded: new(atomic.Bool),
		said:    new(sync.Map),
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

// Guarded returns a copy that masks secrets on standard error once they were sent, even
// where a server returns them in an error or in metadata.
func (e *Env) Guarded() *Env {
	g := *e
	if g.Secrets == nil {
		g.Secrets = new(secret.Seen)
	}
	g.Stderr = g.Secrets.Writer(e.Stderr)
	fault.Mask(g.Secrets.Mask)
	return &g
}

// MayStart reports whether a program may be started: all may until Only names one.
// command is the command line of a program that prints a token, "" for any other.
func (e *Env) MayStart(command string) bool {
	return e.Only == nil || command != "" && *e.Only == (Program{Command: command, Dir: e.ProgramDir})
}

// Quiet returns a copy whose standard error is discarded.
func (e *Env) Quiet() *Env {
	q := *e
	q.Stderr = io.Discard
	return &q
}

// ConfigDir returns the folder of the user's configuration.
func (e *Env) ConfigDir() (string, error) {
	if dir := e.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "rpcctl"), nil
	}
	name, rest := "HOME", ".config"
	switch runtime.GOOS {
	case "windows":
		name, rest = "AppData", ""
	case "darwin":
		rest = filepath.Join("Library", "Application Support")
	}
	home := e.Getenv(name)
	if home == "" {
		return "", fmt.Errorf("there is no folder for the configuration: neither XDG_CONFIG_HOME nor %s is set", name)
	}
	return filepath.Join(home, rest, "rpcctl"), nil
}

// StatePath returns the path of a file in the folder for the user's state, "" where there
// is no such folder (https://specifications.freedesktop.org/basedir-spec/latest/).
func (e *Env) StatePath(name string) string {
	dir := e.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home := e.Getenv("HOME")
		if home == "" {
			return ""
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(dir, "rpcctl", name)
}

// Columns returns the width for messages.
func (e *Env) Columns() int {
	if e.Width > 0 {
		return e.Width
	}
	return 100
}

// Colored reports whether a stream gets colours, by the value of --color: always, never or auto.
// Automatic colours are for terminals. NO_COLOR turns them off (https://no-color.org), and
// FORCE_COLOR or CLICOLOR_FORCE on, wherever the text goes (https://bixense.com/clicolors).
func (e *Env) Colored(mode string, tty bool) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	if e.Getenv("NO_COLOR") != "" {
		return false
	}
	for _, name := range []string{"FORCE_COLOR", "CLICOLOR_FORCE"} {
		if v := e.Getenv(name); v != "" && v != "0" {
			return true
		}
	}
	return tty && e.Getenv("TERM") != "dumb"
}

// Unicode reports whether the locale can show characters beyond ASCII.
func (e *Env) Unicode() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToUpper(e.Getenv(name)); v != "" {
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return false
}

// Sign returns a text with characters beyond ASCII, or what stands for it in a locale
// that cannot show them.
func (e *Env) Sign(sign, plain string) string {
	if e.Unicode() {
		return sign
	}
	return plain
}

// Say writes a line for a person to standard error.
func (e *Env) Say(text string) {
	fmt.Fprintf(e.Stderr, "rpcctl: %s\n", formatters.CleanLine(text))
}

// SayOnce is Say for what every line of a shell would repeat: it says each text once.
func (e *Env) SayOnce(text string) {
	if e.said != nil && e.Stderr != io.Discard {
		if _, already := e.said.LoadOrStore(text, true); already {
			return
		}
	}
	e.Say(text)
}

// printSize is the greatest single write to standard output, in bytes. A secret inside of
// one write is always found and masked.
const printSize = 64 << 10

// Print writes to standard output what fn writes to w. A full disk is an error like any
// other.
func (e *Env) Print(fn func(w *bufio.Writer) error) error {
	w := bufio.NewWriterSize(e.Secrets.Writer(e.Stdout), printSize)
	err := fn(w)
	if ferr := w.Flush(); !errors.Is(err, ferr) {
		err = errors.Join(err, ferr)
	}
	return err
}

// PrintLine writes one line about a text from outside, which %s in the format stands for.
func (e *Env) PrintLine(format, text string) error {
	return e.Print(func(w *bufio.Writer) error {
		fmt.Fprintf(w, format+"\n", formatters.CleanLine(text))
		return nil
	})
}

// PrintJSON writes a value to standard output as indented JSON, with everything escaped
// that could move a cursor.
func (e *Env) PrintJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return e.Print(func(w *bufio.Writer) error {
		w.WriteString(escapeHidden(string(text)))
		w.WriteByte('\n')
		return nil
	})
}

// escapeHidden replaces the characters that formatters.Clean removes by their JSON
// escapes. Of these JSON itself escapes the control characters only.
func escapeHidden(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r != '\n' && formatters.CleanLine(string(r)) != string(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
