package cmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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

func (l *line) expandWord(w repl.Word) (string, error) {
	text, err := l.environment(w.Text)
	if err != nil || !w.Raw || !strings.Contains(text, "$") {
		return text, err
	}
	path, after, assigned := strings.Cut(text, "=")
	switch {
	case text[0] == '$' && !strings.HasPrefix(text, "${"):
		return l.valueOf(w, text)
	case text[0] == '{' || text[0] == '[':
		return l.document(w, text)
	case assigned && strings.HasPrefix(after, "$"):
		raw, err := l.valueOf(w, after)
		if err != nil {
			return "", err
		}
		if strings.HasSuffix(path, ":") || strings.IndexByte(`"{[`, raw[0]) >= 0 {
			// As JSON: the text of a string could mean something else as a word, such as a file.
			return strings.TrimSuffix(path, ":") + ":=" + raw, nil
		}
		return path + "=" + raw, nil
	case assigned && strings.HasSuffix(path, ":"):
		doc, err := l.document(w, after)
		return path + "=" + doc, err
	}
	return text, nil
}

func (l *line) valueOf(w repl.Word, expr string) (string, error) {
	v, err := l.s.evaluate(w, expr)
	if err != nil {
		return "", err
	}
	raw, err := v.text()
	return string(raw), err
}

// document puts values in place of the expressions of a document that are in no string and in
// no comment.
func (l *line) document(w repl.Word, text string) (string, error) {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == '\\' && i+1 < len(text):
			b.WriteByte(c)
			i++
			c = text[i]
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'':
			quote = c
		case c == '$':
			n := i + 1 + strings.IndexAny(text[i+1:]+" ", " \t\r\n,}")
			expr := text[i:n]
			if open := strings.Count(expr, "[") - strings.Count(expr, "]"); open < 0 {
				expr = strings.TrimRight(expr, "]")
				n = i + len(expr)
			}
			raw, err := l.valueOf(w, expr)
			if err != nil {
				return "", err
			}
			b.WriteString(raw)
			i = n - 1
			continue
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

// environment puts variables of the environment in place of ${ENV:NAME}.
func (l *line) environment(text string) (string, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${ENV:")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return "", usage(errors.New("${ENV: without }"), "")
		}
		v, ok := l.s.env.LookupEnv(name)
		if !ok {
			return "", usage(fmt.Errorf("the environment has no variable %q", name), "")
		}
		if whole := b.String(); strings.HasPrefix(whole, "{") || strings.HasPrefix(whole, "[") {
			quoted, err := json.Marshal(v)
			if err != nil {
				return "", err
			}
			v = strings.Trim(string(quoted), `"`)
		}
		b.WriteString(v)
		text = after
	}
}
