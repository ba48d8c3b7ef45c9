package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/repl"
)

// expand makes the arguments of a statement: its words, with values in place of variables.
// Nothing is split: a value never becomes two arguments.
func (l *line) expand(words []repl.Word) error {
	l.args, l.words, l.expanded = nil, nil, nil
	for i, w := range words {
		text, err := l.expandWord(w)
		if err != nil {
			return &placedError{w.Start, w.End, err}
		}
		text = l.reveal(w.Start, text)
		l.args = append(l.args, text)
		l.words = append(l.words, i)
		l.expanded = append(l.expanded, text != w.Text)
	}
	return nil
}

// A placedError is an error of a place in the statement.
type placedError struct {
	start, end int
	err        error
}

func (e *placedError) Error() string { return e.err.Error() }

// Unwrap returns the error itself.
func (e *placedError) Unwrap() error { return e.err }

// expandWord puts values in place of what stands for them in a word. What was put in is never
// looked at again.
func (l *line) expandWord(w repl.Word) (string, error) {
	found := w.Expansions()
	if len(found) == 0 {
		return w.Text, nil
	}
	if e := found[len(found)-1]; !e.Env && !e.Document {
		return l.wholeValue(w, found)
	}
	return l.replace(w, found, len(w.Text))
}

// replace is the text of a word up to a byte, with values in place of expansions.
func (l *line) replace(w repl.Word, found []repl.Expansion, end int) (string, error) {
	var b strings.Builder
	at := 0
	for _, e := range found {
		v, err := l.valueOf(e)
		if err != nil {
			return "", err
		}
		b.WriteString(w.Text[at:e.Start])
		b.WriteString(v)
		at = e.End
	}
	b.WriteString(w.Text[at:end])
	return b.String(), nil
}

// wholeValue is a word that ends in an expression: it is one, or path=EXPRESSION.
func (l *line) wholeValue(w repl.Word, found []repl.Expansion) (string, error) {
	last := found[len(found)-1]
	raw, err := l.valueOf(last)
	if err != nil || last.Start == 0 {
		return raw, err
	}
	path, err := l.replace(w, found[:len(found)-1], last.Start-1)
	if err != nil {
		return "", err
	}
	if raw != "" && strings.IndexByte(`"{[`, raw[0]) >= 0 {
		// as JSON: as a word, the text of a string could mean something else, such as a file
		return path + ":=" + raw, nil
	}
	return path + "=" + raw, nil
}

// valueOf is what an expansion stands for.
func (l *line) valueOf(e repl.Expansion) (string, error) {
	if e.Env {
		return l.environment(e)
	}
	v, err := l.s.vars.Evaluate(e.Text)
	if err != nil {
		return "", err
	}
	raw, err := v.Text()
	return string(raw), err
}

// environment is a variable of the environment. In a document it is part of a string.
func (l *line) environment(e repl.Expansion) (string, error) {
	if e.Open {
		return "", problem.Usage(errors.New("${ENV: without }"), "")
	}
	v, ok := l.s.env.LookupEnv(e.Name)
	if !ok {
		return "", problem.Usage(fmt.Errorf("the environment has no variable %q", e.Name), "")
	}
	if !e.Document {
		return v, nil
	}
	quoted, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return string(quoted[1 : len(quoted)-1]), nil
}
