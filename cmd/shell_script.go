package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/repl"
)

// script runs the statements of a text, and stops at the first that fails.
func (s *shell) script(name, text string) error {
	code := s.statements(name, text)
	if s.left == nil && s.ctx.Err() == nil {
		if err := s.wait(s.ctx, nil, 0); err != nil && code == exitOK {
			code = exitCode(err)
		}
	}
	if s.left != nil {
		code = max(code, *s.left)
	}
	if s.ctx.Err() != nil && code == exitOK {
		code = exitInterrupted
	}
	return left(code)
}

// statements runs a script. What fails is told with its place.
func (s *shell) statements(name, text string) int {
	all, err := repl.Parse(text)
	first := exitOK
	fail := func(offset, code int) bool {
		if first == exitOK {
			first = code
		}
		return !s.o.keepGoing || s.left != nil
	}
	for _, st := range all {
		if s.o.echo {
			fmt.Fprintf(s.env.Stderr, "> %s\n", clean(s.redact(text[st.Start:st.End])))
		}
		s.code = s.statement(text, st, place(name, text, st.Start))
		if s.left != nil || s.ctx.Err() != nil {
			return max(first, s.code)
		}
		if s.code != exitOK && fail(st.Start, s.code) {
			return first
		}
	}
	var bad *repl.SyntaxError
	if errors.As(err, &bad) {
		s.explain(&line{s: s, source: text, env: placed(s.env, place(name, text, bad.Start))}, err)
		fail(bad.Start, exitUsage)
	}
	return first
}

// place is where in a script something is: FILE:12:5.
func place(name, text string, offset int) string {
	before := text[:offset]
	column := offset - strings.LastIndexByte(before, '\n')
	return fmt.Sprintf("%s:%d:%d: ", name, strings.Count(before, "\n")+1, column)
}

// placed is an Env whose next message on stderr begins with a place.
func placed(env *Env, place string) *Env {
	e := *env
	e.place = place
	return &e
}
