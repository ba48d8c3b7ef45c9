//go:build unix

package cmd_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An editorScript is an editor that leaves copies beside the text, and waits when WAITS says so,
// whatever signal comes.
const editorScript = `#!/bin/sh
ls -ld "$(dirname "$1")" "$1" > "$SEEN"
echo '{"name":"edited"}' > "$1"
: > "$1~"; : > "$(dirname "$1")/.x.swp"
[ -z "$WAITS" ] && exit
[ "$WAITS" = deaf ] && trap '' HUP TERM INT
echo > "$READY"
exec sleep 2000
`

// An editing is the surroundings of an editor.
type editing struct {
	t                 *testing.T
	temp, seen, ready string
}

// newEditing makes the editor, and a folder of its own for temporary files.
func newEditing(t *testing.T, waits string) *editing {
	t.Helper()
	dir := t.TempDir()
	e := &editing{t, filepath.Join(dir, "temp"), filepath.Join(dir, "seen"), filepath.Join(dir, "ready")}
	editor := filepath.Join(dir, "editor")
	if err := os.WriteFile(editor, []byte(editorScript), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(e.temp, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(e.ready, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"TMPDIR": e.temp, "SEEN": e.seen, "READY": e.ready, "WAITS": waits, "EDITOR": editor, "VISUAL": editor} {
		t.Setenv(name, value)
	}
	return e
}

// begun blocks until the editor waits.
func (e *editing) begun() {
	e.t.Helper()
	read := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(e.ready)
		read <- err
	}()
	select {
	case err := <-read:
		if err != nil {
			e.t.Fatal(err)
		}
	case <-time.After(patience):
		e.t.Fatal("the editor never ran")
	}
}

// remainingFiles returns the files that are left, and checks that the text was private.
func (e *editing) remainingFiles() []string {
	e.t.Helper()
	modes, err := os.ReadFile(e.seen)
	if err != nil || !strings.HasPrefix(string(modes), "drwx------") || !strings.Contains(string(modes), "\n-rw-------") {
		e.t.Errorf("the editor saw %s, %v", modes, err)
	}
	left, err := filepath.Glob(e.temp + "/*")
	if err != nil {
		e.t.Fatal(err)
	}
	return left
}

// The text of call --edit is removed with all that the editor left beside it, or the error says
// where it is.
func TestEditLeavesNothing(t *testing.T) {
	t.Run("sent", func(t *testing.T) {
		e := newEditing(t, "")
		p, _ := start(t, nil, "call", "SayHello", "--edit")
		p.until("edited")
		p.ends(0)
		if left := e.remainingFiles(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
	for _, waits := range []string{"yes", "deaf"} {
		for name, sig := range map[string]os.Signal{"terminate": syscall.SIGTERM, "hang up": syscall.SIGHUP} {
			t.Run(name+" "+waits, func(t *testing.T) {
				e := newEditing(t, waits)
				p, _ := start(t, nil, "call", "SayHello", "--edit")
				e.begun()
				if err := p.Process.Signal(sig); err != nil {
					t.Fatal(err)
				}
				p.ends(1)
				left := e.remainingFiles()
				if len(left) != 1 || !strings.Contains(p.stderr.String(), "hint: what was written is in "+left[0]+"/message.json") {
					t.Errorf("left: %v, told: %s", left, p.stderr.String())
				}
			})
		}
	}
}

// The text that the shell has edited is removed with all that the editor left beside it, however
// the shell ends.
func TestShellEditLeavesNothing(t *testing.T) {
	open := func(t *testing.T) *screen {
		s := openShell(t, environment("EDITOR="+os.Getenv("EDITOR")))
		s.send("SayHello name=typed" + ctrl('x') + ctrl('e'))
		return s
	}
	t.Run("edited", func(t *testing.T) {
		e := newEditing(t, "")
		s := open(t)
		s.waitInput(`{"name":"edited"}`)
		if left := e.remainingFiles(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
	for _, waits := range []string{"yes", "deaf"} {
		for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
			t.Run(sig.String()+" "+waits, func(t *testing.T) {
				e := newEditing(t, waits)
				s := open(t)
				e.begun()
				s.signal(sig)
				s.signal(sig) // a terminal and its shell send one each
				s.ends(code)
				if left := e.remainingFiles(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		}
	}
}
