package repl

import (
	"encoding/json"
	"strings"
)

// A wordKind is what a word means to a redaction.
type wordKind uint8

const (
	plain      wordKind = iota // a command, a path with a value, a document, whatever it looks like
	whole                      // a secret
	withColon                  // user:password
	headerPair                 // 'name: value'
	data                       // a message
	address                    // of a server
	part                       // a part of a text that was read as a message
)

// flagKinds are the flags whose values have a meaning that does not show. The values of flags
// that say where a secret is are not secret themselves.
var flagKinds = map[string]wordKind{
	"H": headerPair, "header": headerPair, "rpc-header": headerPair, "reflect-header": headerPair,
	"auth-command": whole, "basic": withColon, "u": withColon, "user": withColon, "proxy-user": withColon,
	"d": data, "data": data, "a": address, "addr": address, "protoset": address, "x": address, "proxy": address,
	"bearer-file": plain, "bearer-env": plain, "password-file": plain, "password-env": plain,
	"plaintext-credentials": plain, "key": plain, "certkey": plain,
}

// bareFlags are the short flags without a value that can stand in a group before a flag with a
// value: those of rpcctl, and those of curl that are common behind |.
const bareFlags = "vkiqhsSLfgGjnNOR"

// flag returns the secret spans of a flag with its value, and the kind of the next word when
// that is the value.
func (r *redaction) flag(text string) (spans []Span, next wordKind) {
	long := strings.TrimLeft(text, "-")
	begins := len(text) - len(long)
	ends := "="
	if begins > 1 {
		ends = "=:" // --name: value is a mistyped flag
	}
	name, value, has := long, "", false
	if i := strings.IndexAny(long, ends); i >= 0 {
		name, value, has = long[:i], long[i+1:], true
	}
	kind, known := flagKinds[name]
	switch {
	case known:
	case (begins > 1 || isFlagName(name)) && r.name(name):
		kind = whole
	case begins == 1:
		if short, at := shortFlag(long); at > 0 {
			kind, name, value, has = short, long[:at], long[at:], at < len(long)
			if after, ok := strings.CutPrefix(value, "="); ok {
				name, value = name+"=", after
			}
			begins--
		}
	}
	if !has || value == "" && strings.HasSuffix(text, ":") {
		return nil, kind
	}
	return r.shifted(value, kind, begins+len(name)+1), r.follows(value, kind)
}

// shortFlag returns the kind of the first flag in a group of short ones that is in flagKinds,
// and where its value begins. at is 0 when there is none.
func shortFlag(group string) (kind wordKind, at int) {
	for i := range len(group) {
		if kind, ok := flagKinds[group[i:i+1]]; ok {
			return kind, i + 1
		}
		if strings.IndexByte(bareFlags, group[i]) < 0 {
			break
		}
	}
	return plain, 0
}

// isFlagName reports whether a text can be the name of a long flag.
func isFlagName(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
}

// shifted returns the secret spans of a text that begins at a place of its word.
func (r *redaction) shifted(text string, kind wordKind, at int) []Span {
	spans := r.spans(text, kind)
	for i := range spans {
		spans[i].Start += at
		spans[i].End += at
	}
	return spans
}

// spans returns the parts of a word, or of the value of a flag, that are secret.
func (r *redaction) spans(text string, kind wordKind) []Span {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	switch {
	case text == "":
		return nil
	case kind == whole, r.secrets.Value(text):
		return []Span{{Start: 0, End: len(text)}}
	case kind == withColon:
		if strings.Contains(text, ":") {
			return []Span{{Start: 0, End: len(text)}}
		}
		return nil
	case strings.HasPrefix(trimmed, "[") && extension(trimmed) > 0:
		return r.lines(text)
	case strings.HasPrefix(trimmed, "{"), strings.HasPrefix(trimmed, "["):
		return r.document(text)
	case kind == headerPair:
		return r.headerValue(text)
	}
	if spans := userInfo(text, kind); spans != nil {
		return spans
	}
	if path, begins, ok := cutPair(text, kind); ok && r.secretPath(path) { // then a URL is a secret, too
		return []Span{{Start: begins, End: len(text)}}
	}
	return r.mixed(text, kind)
}

// headerValue returns the value of 'name: value' if the header is secret.
func (r *redaction) headerValue(text string) []Span {
	name, value, begins, ok := cutHeader(text)
	if !ok || value == "" || !r.secrets.Header(name, value) {
		return nil
	}
	return []Span{{Start: begins, End: len(text)}}
}

// userInfo returns the text before the @ of an address that is not a URL.
func userInfo(text string, kind wordKind) []Span {
	if kind != address || strings.Contains(text, "://") {
		return nil
	}
	if i := strings.LastIndexByte(text, '@'); i > 0 {
		return []Span{{Start: 0, End: i}}
	}
	return nil
}

// mixed returns the secret parts of a text that may be several things at once: a URL, a path
// with a value, and a message in YAML or the text format of protocol buffers.
func (r *redaction) mixed(text string, kind wordKind) []Span {
	spans := r.url(text)
	message := kind != part && (kind == data || strings.Contains(text, "\n") || loosely(text))
	if len(spans) > 0 && !message {
		return spans
	}
	more, is := r.pair(text, kind)
	spans = append(spans, more...)
	if message {
		spans = append(spans, r.lines(text)...)
	}
	if is || len(spans) > 0 {
		return spans
	}
	return r.inside(text)
}

// cutPair cuts path=value, path:=value, or 'name: value', and returns where the value begins.
// ok reports whether the text is one of them.
func cutPair(text string, kind wordKind) (path string, begins int, ok bool) {
	i := strings.IndexAny(text, "=:")
	if i <= 0 || strings.ContainsAny(text[:i], "\n{") {
		return "", 0, false
	}
	if kind == data && text[i] == ':' && strings.Contains(text, "\n") { // a message of several lines
		return "", 0, false
	}
	begins = i + 1
	if strings.HasPrefix(text[i:], ":=") {
		begins++
	}
	for begins < len(text) && text[begins] == ' ' {
		begins++
	}
	return text[:i], begins, begins < len(text)
}

// pair returns the secrets in the value of path=value, path:=value, or 'name: value', whose
// path is not secret. is reports whether the text is one of them.
func (r *redaction) pair(text string, kind wordKind) (spans []Span, is bool) {
	path, begins, ok := cutPair(text, kind)
	if !ok || text[len(path)] == ':' && begins == len(path)+1 { // host:port, or an address of some other kind
		return nil, false
	}
	value := text[begins:]
	if r.depth++; r.depth > maxPairs { // a=b=c=…
		return nil, true
	}
	defer func() { r.depth-- }()
	if kind == data || kind == part || strings.Contains(text, "\n") {
		return r.shifted(value, part, begins), true
	}
	return r.shifted(value, plain, begins), true
}

// secretPath reports whether a step of a path is a secret name.
func (r *redaction) secretPath(path string) bool {
	for step := range strings.FieldsFuncSeq(path, func(c rune) bool { return strings.ContainsRune(`.[]"'+`, c) }) {
		if r.name(strings.TrimSpace(step)) {
			return true
		}
	}
	return r.name(path)
}

// url returns the secrets in a URL that a text is, or ends in.
func (r *redaction) url(text string) (spans []Span) {
	if scheme := strings.Index(text, "://"); scheme < 0 || strings.ContainsAny(text[:scheme], " {") {
		return nil
	}
	for _, at := range r.secrets.URL(text) {
		spans = append(spans, Span{Start: at[0], End: at[1]})
	}
	return spans
}

// inside returns a credential in the middle of a text, behind the name of its scheme.
func (r *redaction) inside(text string) []Span {
	low := strings.ToLower(text)
	for _, scheme := range []string{"bearer ", "basic "} {
		if i := strings.Index(low, scheme); i >= 0 && strings.TrimSpace(text[i+len(scheme):]) != "" {
			return []Span{{Start: i + len(scheme), End: len(text)}}
		}
	}
	return nil
}

// document returns the secrets in a document, comments included.
func (r *redaction) document(text string) []Span {
	if tooDeep(text) {
		return []Span{{Start: 0, End: len(text)}}
	}
	spans := r.tree(text)
	if rest := behind(text); rest < len(text) { // further documents, of another form
		for _, s := range r.lines(text[rest:]) {
			spans = append(spans, Span{Start: rest + s.Start, End: rest + s.End})
		}
	}
	for _, c := range comments(text) {
		inner := &redaction{secrets: r.secrets, text: text[c.Start:c.End], nested: r.nested, names: r.names}
		if inner.inner(0, len(inner.text)); len(inner.edits) > 0 {
			spans = append(spans, c)
		}
	}
	return spans
}

// behind returns where something begins that is in no brackets.
func behind(text string) int {
	rest := len(text)
	ScanJSON(text, func(t Token) {
		if !t.Key && len(t.Path) == 0 {
			rest = min(rest, t.Start)
		}
	})
	return rest
}

// tooDeep reports whether a document may nest deeper than maxNesting.
func tooDeep(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth = max(0, depth-1)
		}
		if depth > maxNesting {
			return true
		}
	}
	return false
}

// tree returns the values of a document that are secret, without their quotes: those below a
// secret name, those with the form of a secret, and strings with a secret inside, such as a
// document in a string.
func (r *redaction) tree(text string) (spans []Span) {
	ScanJSON(text, func(t Token) {
		if t.Text == "" || !r.secretToken(t) {
			return
		}
		start, end := t.Start, t.End
		if t.Quoted {
			start, end = start+1, start+1+len(t.Text)
		}
		spans = append(spans, Span{Start: start, End: end})
	})
	return spans
}

// secretToken reports whether a key or value of a document is, or contains, a secret.
func (r *redaction) secretToken(t Token) bool {
	plain := t.Text
	if t.Quoted {
		plain = unescaped(plain)
	}
	if !t.Key {
		if r.secrets.Value(plain) {
			return true
		}
		for _, s := range t.Path {
			if !s.List && s.Key != "" && r.secretPath(unescaped(s.Key)) {
				return true
			}
		}
	}
	if !t.Quoted || r.depth > maxPairs {
		return false
	}
	r.depth++
	defer func() { r.depth-- }()
	return len(r.spans(plain, data)) > 0
}

// unescaped is the text of a string of a document.
func unescaped(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var plain string
	if json.Unmarshal([]byte(`"`+text+`"`), &plain) != nil {
		return strings.ReplaceAll(text, `\`, "")
	}
	return plain
}

// comments returns the comments of a document.
func comments(text string) (all []Span) {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '"' || c == '\'':
			i = stringEnd(text, i)
		case strings.HasPrefix(text[i:], "//"):
			end := i + len(lineOf(text[i:]))
			all = append(all, Span{Start: i + 2, End: end})
			i = end
		case strings.HasPrefix(text[i:], "/*"):
			end, after := len(text), len(text)
			if n := strings.Index(text[i+2:], "*/"); n >= 0 {
				end, after = i+2+n, i+4+n
			}
			all = append(all, Span{Start: i + 2, End: end})
			i = after
		default:
			i++
		}
	}
	return all
}
