package call

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/program"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// edit has the message written in an editor, as often as it takes to be right. The text stays
// on disk until the server has answered, and errors name the file.
func (s *Call) edit(ctx context.Context, p *invoke.Call, options input.Options) error {
	a := s.app
	if err := program.MayStart(a.Env, "--edit", ""); err != nil {
		return err
	}
	text, err := s.editText(ctx, p, options)
	if err != nil {
		return err
	}
	file, err := program.NewEditFile("message.json", text)
	if err != nil {
		return err
	}
	for {
		saved, err := s.runEditor(ctx, file)
		if err != nil {
			return problem.KeptIn(file.Path, err)
		}
		if !saved {
			return errors.Join(problem.Usage(errors.New("nothing was saved in the editor, and nothing is sent"), ""),
				file.Remove())
		}
		messages, err := readEdited(ctx, file.Path, options)
		if err == nil {
			p.Requests, s.edited = invoke.Messages(messages...), file
			return nil
		}
		if !a.Env.StdinTTY || !errors.As(err, new(*input.Error)) {
			return problem.KeptIn(file.Path, err)
		}
		a.Reporter().Report(err)
		fmt.Fprint(a.Env.Stderr, "Enter to edit it again, Ctrl-C to leave: ")
		if err := waitForEnter(ctx, a.Env.Stdin); err != nil {
			return problem.KeptIn(file.Path, err)
		}
	}
}

// settleEdit removes the text that was edited, or says where it is when the call
// failed.
func (s *Call) settleEdit(err error) error {
	switch {
	case s.edited == nil:
		return err
	case err != nil:
		return problem.KeptIn(s.edited.Path, err)
	}
	return s.edited.Remove()
}

// editText is what the editor begins with: the definition as comments, and the message that
// was given, or one to fill in. No line of it can set an option of the editor, although
// comments and names of a schema may look as if.
func (s *Call) editText(ctx context.Context, p *invoke.Call, options input.Options) ([]byte, error) {
	var definition strings.Builder
	err := formatters.WriteDescriptor(&definition, p.Method.Input(), formatters.Options{Types: p.Types})
	if err != nil {
		return nil, err
	}
	text := []byte("// The request of " + invoke.MethodName(p.Method) +
		". Save it and leave the editor to send it.\n//\n")
	for line := range strings.Lines(definition.String()) {
		text = append(text, strings.TrimRight("// "+line, " \n")+"\n"...)
	}
	message, err := s.editMessage(ctx, p, options)
	return append(program.NoSettings(text, " :", " *"), program.NoSettings(message, `\u003a`, `\u002a`)...), err
}

// editMessage is the message that the editor begins with, as JSON.
func (s *Call) editMessage(ctx context.Context, p *invoke.Call, options input.Options) (text []byte, err error) {
	parts := s.o.Parts()
	if len(parts) == 0 {
		return skeleton.Of(p.Method.Input())
	}
	source, err := input.New(parts, options)
	if err != nil {
		return nil, err
	}
	encoder := transcode.NewEncoder(p.Method.Input(), transcode.EncodeOptions{Types: p.Types, Indent: "  "})
	for {
		wire, err := source.Next(ctx)
		if err == io.EOF {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
		if text, err = encoder.Append(text, wire); err != nil {
			return nil, err
		}
		text = append(text, '\n')
	}
}

// readEdited reads the messages of an edited file.
func readEdited(ctx context.Context, name string, options input.Options) ([][]byte, error) {
	options.Format = input.FormatJSON
	source, err := input.New([]input.Part{{Text: "@" + name, Data: true, Origin: "the edited message"}}, options)
	if err != nil {
		return nil, err
	}
	var messages [][]byte
	for {
		wire, err := source.Next(ctx)
		if err == io.EOF {
			return messages, nil
		}
		if err != nil {
			return nil, err
		}
		messages = append(messages, bytes.Clone(wire))
	}
}

// runEditor runs the user's editor on a file, and reports whether it was saved.
func (s *Call) runEditor(ctx context.Context, file *program.EditFile) (saved bool, err error) {
	a := s.app
	before, err := os.Stat(file.Path)
	if err != nil {
		return false, err
	}
	stderr := secret.Unmasked(a.Env.Stderr)
	stdout := a.Env.Stdout
	if !a.Env.StdoutTTY {
		stdout = stderr // the answers go there, not the editor
	}
	a.Env.Yielded.Store(true)
	defer a.Env.Yielded.Store(false)
	err = file.EditWith(ctx, a.Env, a.Env.Stdin, stdout, stderr, a.Env.Getenv("VISUAL"), a.Env.Getenv("EDITOR"))
	if err != nil {
		return false, err
	}
	after, err := os.Stat(file.Path)
	if err != nil {
		return false, err
	}
	return !os.SameFile(before, after) || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()), nil
}

// waitForEnter waits for Enter, or for ctx.
func waitForEnter(ctx context.Context, stdin io.Reader) error {
	done := make(chan error, 1)
	go func() {
		defer fault.Exit()
		_, err := bufio.NewReader(stdin).ReadString('\n')
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
