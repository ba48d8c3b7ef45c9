package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
)

// An editFile is a text for an editor, in a folder that only its owner can look into: what editors
// write beside a text, such as backups, is as private as it is, and goes with it.
type editFile struct{ path string }

// newEditFile writes a text into a folder of its own.
func newEditFile(name string, text []byte) (*editFile, error) {
	dir, err := os.MkdirTemp("", "rpcctl-*")
	if err != nil {
		return nil, fmt.Errorf("making a folder to edit in: %w", err)
	}
	f := &editFile{filepath.Join(dir, name)}
	if err := os.WriteFile(f.path, text, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("making a file to edit: %w", err), f.remove())
	}
	return f, nil
}

// noSettings is a text in which no editor finds settings of its own: Vim and those like it look for
// "vim:" in the first and the last lines, Emacs for "-*-" and "Local Variables:". colon and star
// stand for the characters that make them such.
func noSettings(text []byte, colon, star string) []byte {
	marks := regexp.MustCompile(`(?i)\b(?:vim?[<=>]?[0-9]*|nvim|ex|kak|kate|Local Variables):`)
	text = marks.ReplaceAllFunc(text, func(mark []byte) []byte { return append(mark[:len(mark)-1:len(mark)-1], colon...) })
	return bytes.ReplaceAll(text, []byte("-*"), []byte("-"+star))
}

// remove removes the folder, with all that is in it.
func (f *editFile) remove() error { return os.RemoveAll(filepath.Dir(f.path)) }

// editorGrace is how long an editor may take to end when its command does: so long that it can put
// the terminal back, and so short that there is time to tell where the text is.
const editorGrace = env.Grace / 2

// editWith runs an editor on the file until ctx is done: the first of the commands that is one, which
// may have arguments.
func (f *editFile) editWith(ctx context.Context, env *env.Env, stdin io.Reader, stdout, stderr io.Writer, commands ...string) error {
	words := []string{"vi"}
	for _, command := range commands {
		if fields := strings.Fields(command); len(fields) > 0 {
			words = fields
			break
		}
	}
	c, err := newProgram(ctx, env, "an editor", "", append(words, f.path)...)
	if err != nil {
		return err
	}
	c.Stdin, c.Stdout, c.Stderr = stdin, stdout, stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = editorGrace
	// What an editor leaves running may hold the output: the text is there all the same.
	if err := c.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("running the editor %s: %w", words[0], err)
	}
	return nil
}
