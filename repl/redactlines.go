package repl

import "strings"

// This file reads messages that are not JSON: YAML, and the text format of protocol buffers.

// lines returns the secrets in a message that is not JSON: YAML, or the text format of
// protocol buffers.
func (r *redaction) lines(text string) []Span {
	loose, at := loosened(text)
	if tooDeep(loose) {
		return []Span{{Start: 0, End: len(text)}}
	}
	spans := r.tree(loose)
	for i, s := range spans {
		spans[i] = Span{Start: at[s.Start], End: at[s.End-1] + 1}
	}
	return append(spans, r.blocks(text)...)
}

// blocks returns the values of secret keys of YAML, and the lines below such a key: those
// that are indented deeper, and items of a list that are as deep.
func (r *redaction) blocks(text string) (spans []Span) {
	column, at := -1, 0
	for line := range strings.SplitAfterSeq(text, "\n") {
		content := strings.TrimRight(line, " \t\r\n")
		body := strings.TrimLeft(content, " \t#")
		indent := len(content) - len(body)
		switch {
		case body == "":
		case column >= 0 && (indent > column || indent == column && strings.HasPrefix(body+" ", "- ")):
			spans = append(spans, Span{Start: at + indent, End: at + len(content)})
		default:
			column = -1
			for len(body) > 1 && strings.IndexByte("-?", body[0]) >= 0 && body[1] == ' ' {
				body = strings.TrimLeft(body[1:], " ")
			}
			key, value, ok := strings.Cut(body, ":")
			if !ok || strings.ContainsAny(key, "{}") || !r.secretPath(unescaped(key)) {
				break
			}
			value = strings.TrimLeft(value, " \t")
			if value != "" && strings.IndexByte("{[<", value[0]) >= 0 { // which tree reads
				break
			}
			column = len(content) - len(body)
			if value != "" && strings.IndexByte("\"'", value[0]) < 0 {
				spans = append(spans, Span{Start: at + len(content) - len(value), End: at + len(content)})
			}
		}
		at += len(line)
	}
	return spans
}

// loosened turns a text in YAML or the text format of protocol buffers into one that ScanJSON
// reads, and returns where each of its bytes comes from. It adds commas before keys, replaces
// angle brackets by braces, and drops the brackets of names of extensions.
func loosened(text string) (loose string, at []int) {
	l := &loosener{text: text, last: ','}
	l.put("{", 0)
	for i := 0; i < len(text); {
		i = l.next(i)
	}
	return l.out.String(), l.origins
}

// Bounds on how far a loosener looks ahead.
const (
	maxExtension = 1024 // bytes of a name with its brackets
	maxBlanks    = 64   // blanks before the colon or brace behind a key
)

type loosener struct {
	text    string
	out     strings.Builder
	origins []int
	angles  int
	last    byte // that is no blank
	begun   bool // something was on this line
}

func (l *loosener) put(text string, from int) {
	l.out.WriteString(text)
	for range len(text) {
		l.origins = append(l.origins, from)
	}
}

// copied copies a part of the text.
func (l *loosener) copied(from, to int) int {
	for i := from; i < to; i++ {
		l.put(l.text[i:i+1], i)
	}
	return to
}

// next handles what is at i, and returns where it ends.
func (l *loosener) next(i int) int {
	c := l.text[i]
	blankAfter := i+1 == len(l.text) || strings.IndexByte(" \t\r\n", l.text[i+1]) >= 0
	switch {
	case c == '\n':
		l.put("\n", i)
		l.begun = false
		if after := strings.TrimLeft(l.text[i:min(len(l.text), i+maxBlanks)], " \t\r\n"); l.last != ':' &&
			!strings.HasPrefix(after, ":") {
			l.put(",", i)
			l.last = ','
		}
		return i + 1
	case c == ' ' || c == '\t' || c == '\r':
		return l.copied(i, i+1)
	case c == '#' && l.last != ':', (c == '-' || c == '?') && blankAfter && !l.begun:
		l.put(",", i)
		l.last = ','
		return i + 1
	case c == '<' && l.last != ',':
		l.put("{", i)
		l.angles++
		l.last = '{'
		return i + 1
	case c == '>' && l.angles > 0:
		l.put("}", i)
		l.angles--
		l.last = '}'
		return i + 1
	case strings.IndexByte(",:{}]<>", c) >= 0, c == '[' && extension(l.text[i:]) == 0:
		l.last = c
		return l.copied(i, i+1)
	}
	return l.token(i)
}

// token handles a string, a word or the name of an extension, and puts a comma before a key.
func (l *loosener) token(i int) int {
	from, to, end := i, 0, 0
	switch c := l.text[i]; {
	case c == '"' || c == '\'':
		end = stringEnd(l.text, i)
		to = end
	case c == '[':
		end = i + extension(l.text[i:])
		from, to = i+1, end-1
	default:
		end = len(l.text)
		if n := strings.IndexAny(l.text[i+1:], " \t\r\n,:{}[]\"'<>"); n >= 0 {
			end = i + 1 + n
		}
		to = end
	}
	after := strings.TrimLeft(l.text[end:min(len(l.text), end+maxBlanks)], " \t")
	isKey := after != "" && strings.IndexByte(":{<", after[0]) >= 0
	if isKey && l.last != ',' && l.last != '{' && (l.last != ':' || !l.begun) {
		l.put(",", i)
	}
	l.copied(from, to)
	l.last, l.begun = 'a', true
	return end
}

// extension returns the length of the name of an extension, or of the type of an Any, that
// a text of a message begins with: [a.b.c] before a colon or a brace.
func extension(text string) int {
	n := strings.IndexByte(text[:min(len(text), maxExtension)], ']')
	if n < 2 || strings.ContainsAny(text[1:n], " \t\r\n\"'[{}:,<>") {
		return 0
	}
	if after := strings.TrimLeft(text[n+1:min(len(text), n+maxBlanks)], " \t"); after == "" ||
		strings.IndexByte(":{<", after[0]) < 0 {
		return 0
	}
	return n + 1
}

// loosely reports whether a text may be a message in the text format of protocol buffers.
func loosely(text string) bool {
	i := strings.IndexAny(text, "=:")
	return i > 0 && text[i] == ':' && strings.ContainsAny(text, "{<[ ")
}
