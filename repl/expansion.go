package repl

import "strings"

// An Expansion is a part of a word that stands for something else.
type Expansion struct {
	Start, End int    // in the Text of the word
	Text       string // as it is written
	Env        bool   // it is ${ENV:NAME}; else it is an expression: $name and what belongs to it
	Name       string // of the variable of the environment
	Document   bool   // it is inside a document, where its value must not change what is around it
	Open       bool   // ${ENV: without its }
}

// envMark begins an expansion of a variable of the environment.
const envMark = "${ENV:"

// Expansions are the parts of the word that stand for something else, in their order. A $
// behind a backslash or in single quotes, and the comments of a document, expand to nothing.
// ${ENV:NAME} counts anywhere else. Expressions count only in words without quotes: as the
// whole word, as the whole value behind =, and in a document that begins the word or follows
// :=, outside of its strings.
func (w Word) Expansions() []Expansion {
	text := w.Text
	if !strings.Contains(text, "$") {
		return nil
	}
	path, value, assigned := strings.Cut(text, "=")
	at := len(path) + 1
	json := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
	switch {
	case !w.Raw:
		return w.environment(len(text), json)
	case json:
		return w.document(0, true)
	case text[0] == '$' && !strings.HasPrefix(text, "${"):
		return []Expansion{{End: len(text), Text: text}}
	case assigned && strings.HasSuffix(path, ":"):
		return append(w.environment(at, false), w.document(at, true)...)
	case assigned && strings.HasPrefix(value, "{"):
		return append(w.environment(at, false), w.document(at, false)...)
	case assigned && strings.HasPrefix(value, "$") && !strings.HasPrefix(value, envMark):
		return append(w.environment(at, false), Expansion{Start: at, End: len(text), Text: value})
	}
	return w.environment(len(text), false)
}

// environment returns the variables of the environment before a byte of the word.
func (w Word) environment(to int, document bool) (all []Expansion) {
	for i := 0; i < to; {
		n := strings.Index(w.Text[i:to], envMark)
		if n < 0 {
			return all
		}
		i += n
		if !w.Raw && w.hidden[i] {
			i++
			continue
		}
		e := w.variable(i, to, document)
		all = append(all, e)
		i = e.End
	}
	return all
}

// variable is the variable of the environment that begins at a byte and ends before another.
func (w Word) variable(i, to int, document bool) Expansion {
	e := Expansion{Start: i, End: to, Env: true, Document: document}
	name, _, closed := strings.Cut(w.Text[i+len(envMark):to], "}")
	if e.Name, e.Open = name, !closed; closed {
		e.End = i + len(envMark) + len(name) + 1
	}
	e.Text = w.Text[e.Start:e.End]
	return e
}

// document are the expansions of the document that begins at a byte.
func (w Word) document(from int, expressions bool) (all []Expansion) {
	text := w.Text
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end := documentString(text, i)
			if c == '"' {
				all = w.inString(all, i, end)
			}
			i = end - 1
		case strings.HasPrefix(text[i:], "//"):
			i += len(lineOf(text[i:])) - 1
		case strings.HasPrefix(text[i:], "/*"):
			if n := strings.Index(text[i+2:], "*/"); n >= 0 {
				i += n + 3
			} else {
				i = len(text)
			}
		case strings.HasPrefix(text[i:], envMark):
			e := w.variable(i, len(text), true)
			all = append(all, e)
			i = e.End - 1
		case c == '$' && expressions:
			n := i + 1 + strings.IndexAny(text[i+1:]+" ", " \t\r\n,}")
			expr := text[i:n]
			if strings.Count(expr, "[") < strings.Count(expr, "]") {
				expr = strings.TrimRight(expr, "]")
			}
			all = append(all, Expansion{Start: i, End: i + len(expr), Text: expr, Document: true})
			i += len(expr) - 1
		}
	}
	return all
}

// inString adds the variables of the environment in a string of a document. One behind a
// backslash is text.
func (w Word) inString(all []Expansion, from, to int) []Expansion {
	for i := from; i < to; i++ {
		switch {
		case w.Text[i] == '\\':
			i++
		case strings.HasPrefix(w.Text[i:to], envMark):
			e := w.variable(i, to, true)
			all = append(all, e)
			i = e.End - 1
		}
	}
	return all
}

// documentString is where a string of a document ends, with its quote, which may be on another
// line.
func documentString(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case quote:
			return i + 1
		case '\\':
			i++
		}
	}
	return len(text)
}
