package program

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

// An EditFile is a text for an editor, in a folder of its own that only the user can read: what
// editors write beside a text, such as backups, is as private as the text and is removed with it.
type EditFile struct{ Path string }

// NewEditFile writes a text to a file of a name in a new folder.
func NewEditFile(name string, text []byte) (*EditFile, error) {
	dir, err := os.MkdirTemp("", "rpcctl-*")
	if err != nil {
		return nil, fmt.Errorf("making a folder to edit in: %w", err)
	}
	f := &EditFile{filepath.Join(dir, name)}
	if err := os.WriteFile(f.Path, text, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("making a file to edit: %w", err), f.Remove())
	}
	return f, nil
}

// NoSettings returns a text in which no editor finds settings for itself: Vim and its relatives look
// for "vim:" in the first and the last lines, Emacs for "-*-" and "Local Variables:". colon and
// star replace the character that completes such a mark.
func NoSettings(text []byte, colon, star string) []byte {
	marks := regexp.MustCompile(`(?i)\b(?:vim?[<=>]?[0-9]*|nvim|ex|kak|kate|Local Variables):`)
	text = marks.ReplaceAllFunc(text,
		func(mark []byte) []byte { return append(mark[:len(mark)-1:len(mark)-1], colon...) })
	return bytes.ReplaceAll(text, []byte("-*"), []byte("-"+star))
}

// Remove removes the folder with everything in it.
func (f *EditFile) Remove() error { return os.RemoveAll(filepath.Dir(f.Path)) }

// editorGrace is how long an editor may take to end when its command does: long enough to restore
// the terminal, short enough to leave time for saying where the text is.
const editorGrace = env.Grace / 2

// EditWith runs an editor on the file until ctx is done. The editor is the first of the
// commands that is not blank, each of which may have arguments, or vi.
func (f *EditFile) EditWith(
	ctx context.Context, env *env.Env, stdin io.Reader, stdout, stderr io.Writer, commands ...string,
) error {
	words := []string{"vi"}
	for _, command := range commands {
		if fields := strings.Fields(command); len(fields) > 0 {
			words = fields
			break
		}
	}
	c, err := New(ctx, env, "an editor", "", append(words, f.Path)...)
	if err != nil {
		return err
	}
	c.Stdin, c.Stdout, c.Stderr = stdin, stdout, stderr
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = editorGrace
	// A process that the editor has started may still hold the output. The text is complete
	// all the same.
	if err := c.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("running the editor %s: %w", words[0], err)
	}
	return nil
}
