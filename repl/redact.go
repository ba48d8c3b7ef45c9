package repl

import (
	"slices"
	"strings"
)

// Secrets decides what is secret in a text.
type Secrets struct {
	Name   func(name string) bool        // reports whether the values of a field, flag or parameter are secret
	Header func(name, value string) bool // reports whether a header is
	Value  func(value string) bool       // reports whether a value is, whatever its name
	URL    func(text string) [][2]int    // returns where the secrets in a URL are
}

// Redact puts Redacted in the place of the secrets in a text of statements, however they are
// quoted. It reads the text as Lex does: the words of each statement, the documents in them as
// trees, the commands behind | and the comments. Everything below a secret name in a document,
// or behind one in a path, is secret. A text without secrets stays as it is.
func Redact(text string, secrets Secrets) string {
	r := &redaction{secrets: secrets, text: text}
	r.statements(0, len(text))
	return r.apply()
}

// RedactAround is Redact. It also returns where a part of the text is afterwards.
func RedactAround(text string, at Span, secrets Secrets) (string, Span) {
	r := &redaction{secrets: secrets, text: text}
	r.statements(0, len(text))
	redacted := r.apply()
	at.Start, at.End = r.moved(at.Start), r.moved(at.End)
	return redacted, at
}

// SecretSpans returns the parts of a message that are secret, as it is typed or stands in a
// file: a document, or a path with a value. The parts are in order and do not overlap.
func SecretSpans(text string, secrets Secrets) []Span {
	r := &redaction{secrets: secrets, text: text}
	return merged(r.spans(text, data))
}

// A redaction is the changes that a text needs.
type redaction struct {
	secrets Secrets
	text    string
	edits   []edit
	depth   int             // of pairs, and of strings with documents inside
	nested  int             // of commands behind |, and of comments
	names   map[string]bool // what was found out of them
}

// Bounds on what is parsed; beyond them a text is secret as a whole. Nobody types as much.
const (
	maxPairs   = 8   // names before a value, strings in strings
	maxNested  = 16  // commands behind commands, comments in comments
	maxNesting = 128 // brackets of a document
)

// name reports whether a name is secret.
func (r *redaction) name(name string) bool {
	is, known := r.names[name]
	if !known {
		is = r.secrets.Name(name)
		if r.names == nil {
			r.names = map[string]bool{}
		}
		r.names[name] = is
	}
	return is
}

// An edit puts a text in the place of another.
type edit struct {
	start, end int
	with       string
}

// apply makes the edits. When two overlap, the first counts.
func (r *redaction) apply() string {
	slices.SortStableFunc(r.edits, func(a, b edit) int { return a.start - b.start })
	var b strings.Builder
	at := 0
	for _, e := range r.edits {
		if e.start < at {
			continue
		}
		b.WriteString(r.text[at:e.start])
		b.WriteString(e.with)
		at = e.end
	}
	b.WriteString(r.text[at:])
	return b.String()
}

// moved returns where a place in the text is after the edits, which apply has sorted. A place
// inside an edit moves to the end of its replacement.
func (r *redaction) moved(place int) int {
	shift, at := 0, 0
	for _, e := range r.edits {
		switch {
		case e.start >= place:
			return place + shift
		case e.start < at:
			continue
		case place < e.end:
			return e.start + shift + len(e.with)
		}
		shift += len(e.with) - (e.end - e.start)
		at = e.end
	}
	return place + shift
}

// statements redacts the statements of a part of the text, and the comments between them.
func (r *redaction) statements(from, to int) {
	at := from
	for _, st := range Lex(r.text[from:to]) {
		r.comment(at, from+st.Start)
		at = from + st.End
		words := slices.Clone(st.Words)
		if st.To.End > 0 {
			words = append(words, st.To)
		}
		for i := range words {
			words[i].Start += from
			words[i].End += from
		}
		r.words(words, "")
		if i := strings.LastIndex(r.text[from+st.Start:at], st.Pipe); st.Pipe != "" && i >= 0 {
			r.inner(from+st.Start+i, from+st.Start+i+len(st.Pipe))
		}
	}
	r.comment(at, to)
}

// inner redacts statements inside of others.
func (r *redaction) inner(from, to int) {
	if r.nested++; r.nested > maxNested {
		r.edits = append(r.edits, edit{from, to, Redacted})
		return
	}
	r.statements(from, to)
	r.nested--
}

// comment redacts the text between statements, as if it were words.
func (r *redaction) comment(from, to int) {
	i := strings.IndexByte(r.text[from:to], '#')
	if i < 0 {
		return
	}
	if from += i + 1; from < to {
		r.inner(from, to)
	}
}

// words redacts the words of a statement, or those behind its command when that is not "".
func (r *redaction) words(words []Word, command string) {
	next := plain // what the next word is
	for i, w := range words {
		kind := next
		next = plain
		if kind == plain && strings.HasPrefix(w.Text, "-") && len(w.Text) > 1 {
			var spans []Span
			spans, next = r.flag(w.Text)
			r.replace(w, spans)
			continue
		}
		switch {
		case kind != plain:
		case command == "" && w.Text == "header":
			r.header(words[i+1:])
			return
		case command == "" && w.Text != "time" && w.Text != "watch":
			command = w.Text
		case command == "target" || command == "diagnose":
			kind = address
		}
		r.replace(w, r.spans(w.Text, kind))
		next = r.follows(w.Text, kind)
		if r.namedBefore(words, i) {
			next = whole
		}
	}
}

// namedBefore reports whether a word is a colon behind a secret name.
func (r *redaction) namedBefore(words []Word, i int) bool {
	return i > 0 && words[i].Text == ":" && r.secretPath(words[i-1].Text)
}

// follows returns what the next word is, when the end of a text says so: behind the scheme of
// an authorization, or the name of a header whose value is a word of its own.
func (r *redaction) follows(text string, kind wordKind) wordKind {
	if isScheme(text) {
		return whole
	}
	name, last, _, ok := cutHeader(text)
	switch {
	case kind == whole || kind == withColon:
		return plain
	case !ok: // it is not 'name:' or, where a header is expected, name
		name, colon := strings.CutSuffix(text, ":")
		if colon && r.secretPath(name) || kind == headerPair && r.secrets.Header(name, "") {
			return whole
		}
	case isScheme(last) && (kind == headerPair || strings.HasPrefix(text[len(name):], ":") || r.secretPath(name)):
		return whole
	}
	return plain
}

// isScheme reports whether a text is the name of a scheme that a credential follows.
func isScheme(text string) bool {
	return strings.EqualFold(text, "bearer") || strings.EqualFold(text, "basic")
}

// header redacts the words of the command header, which are one text.
func (r *redaction) header(words []Word) {
	for len(words) > 0 && strings.HasPrefix(words[0].Text, "-") {
		words = words[1:]
	}
	if len(words) == 0 {
		return
	}
	var parts []string
	for _, w := range words {
		parts = append(parts, w.Text)
	}
	name, value, begins, ok := cutHeader(strings.Join(parts, " "))
	if !ok || !r.secrets.Header(name, value) {
		r.words(words, "header")
		return
	}
	first, last := words[0], words[len(words)-1]
	if begins < len(first.Text) {
		r.replace(first, []Span{{Start: begins, End: len(first.Text)}})
		if len(words) > 1 {
			r.edits = append(r.edits, edit{first.End, last.End, ""})
		}
		return
	}
	if len(words) > 1 {
		r.edits = append(r.edits, edit{words[1].Start, last.End, Redacted})
	}
}

// cutHeader cuts 'name: value', name=value, or 'name value' with the colon forgotten, and
// returns where the value begins. ok reports whether there is one.
func cutHeader(text string) (name, value string, begins int, ok bool) {
	name = strings.TrimLeft(text, " \t")
	i := strings.IndexAny(name, ":= \t")
	if i <= 0 {
		return "", "", 0, false
	}
	value = strings.TrimLeft(name[i:], " \t")
	if value != "" && (value[0] == ':' || value[0] == '=') {
		value = strings.TrimLeft(value[1:], " \t")
	}
	return name[:i], value, len(text) - len(value), value != ""
}

// replace puts Redacted in the place of spans of a word. A word in quotes is quoted again, so
// that it means the same.
func (r *redaction) replace(w Word, spans []Span) {
	if len(spans) == 0 {
		return
	}
	spans = merged(spans)
	if w.Raw {
		for _, s := range spans {
			r.edits = append(r.edits, edit{w.Start + s.Start, w.Start + s.End, Redacted})
		}
		return
	}
	var b strings.Builder
	at := 0
	for _, s := range spans {
		b.WriteString(w.Text[at:s.Start])
		b.WriteString(Redacted)
		at = s.End
	}
	b.WriteString(w.Text[at:])
	double := strings.IndexByte(r.text[w.Start:w.End], '"') >= 0
	r.edits = append(r.edits, edit{w.Start, w.End, requote(b.String(), double)})
}

// merged returns spans in their order, with those that overlap as one.
func merged(spans []Span) (all []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && s.Start < all[last].End {
			all[last].End = max(all[last].End, s.End)
			continue
		}
		all = append(all, s)
	}
	return all
}

// requote writes a text as a word. When it was in double quotes, characters that are replaced
// in those are replaced in it, too.
func requote(text string, double bool) string {
	lead := ""
	if i := strings.IndexByte(text, '='); i > 0 && bareRedacted(text[:i]) {
		lead, text = text[:i+1], text[i+1:]
	}
	switch {
	case bareRedacted(text):
		return lead + text
	case double && strings.Contains(text, "$"):
		return lead + `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`").Replace(text) + `"`
	}
	return lead + quoted(text)
}

// bareRedacted reports whether a text with Redacted in it is plain.
func bareRedacted(text string) bool { return IsPlain(strings.ReplaceAll(text, Redacted, "x")) }
