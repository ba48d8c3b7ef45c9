package secret

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const (
	// shortest is the least length of a value that is masked wherever it stands, in
	// bytes. A shorter one could be part of any word; it is masked where it is all of
	// a value.
	shortest = 8
	// shortestWord is that of one that is masked as a word of what a server says.
	shortestWord = 4
)

// Seen is the secrets of a process: what was sent as one is masked wherever it
// comes back. The zero value has none, and a nil one never will. It is safe for
// concurrent use.
type Seen struct {
	mu     sync.RWMutex
	values []string // the longest first
	short  []string
	words  []string // the short ones that are masked as words, in all forms
}

// Add takes note of a secret, in the forms in which it may come back: without the
// scheme of an authorization, as user and password, and encoded.
func (s *Seen) Add(value string) {
	if s == nil || value == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(value)
	if scheme, rest, ok := strings.Cut(value, " "); ok && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic")) {
		rest = strings.TrimSpace(rest)
		s.add(rest)
		if strings.EqualFold(scheme, "basic") {
			s.addBasic(rest)
		}
	}
}

// AddURL takes note of the password and of the secret parameters in a URL. A
// text that is not a URL is ignored.
func (s *Seen) AddURL(text string) {
	for _, at := range URL(text) {
		value := text[at[0]:at[1]]
		if text[at[1]:] != "" && text[at[1]] == '@' { // a user, who is no secret, and a password
			_, password, _ := strings.Cut(value, ":")
			if plain, err := url.PathUnescape(password); err == nil {
				password = plain
			}
			s.Add(password)
			continue
		}
		s.Add(unescaped(value))
	}
}

// addBasic takes note of the password in the credentials of RFC 7617.
func (s *Seen) addBasic(encoded string) {
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return
	}
	s.add(string(plain))
	if _, password, ok := strings.Cut(string(plain), ":"); ok {
		s.add(password)
	}
}

// add takes note of a value as it is and as it is encoded.
func (s *Seen) add(value string) {
	if value == "" || slices.Contains(s.values, value) || slices.Contains(s.short, value) {
		return
	}
	if len(value) < shortest {
		s.short = append(s.short, value)
		if len(value) >= shortestWord {
			s.words = addForms(s.words, value)
		}
		return
	}
	s.values = addForms(s.values, value)
}

// addForms adds a value as it is and as it is encoded, and puts the longest first.
func addForms(all []string, value string) []string {
	for _, form := range []string{
		value, url.QueryEscape(value), inJSON(value),
		base64.RawStdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
	} {
		if !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// inJSON is a text as it stands between the quotes of a JSON string.
func inJSON(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		return text // a string has a JSON form
	}
	return strings.TrimSuffix(b.String(), "\"\n")[1:]
}

// Mask returns a text with Mask in the place of each secret.
func (s *Seen) Mask(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if slices.Contains(s.short, text) {
		return Mask
	}
	for _, v := range s.values {
		if strings.Contains(text, v) {
			text = strings.ReplaceAll(text, v, Mask)
		}
	}
	return s.maskAltered(text)
}

// MaskWords is Mask for what a server says in a status or a header: there a short secret is
// masked, too, where it is a word of its own. Elsewhere it could be any word of ours.
func (s *Seen) MaskWords(text string) string {
	if s == nil {
		return text
	}
	text = s.Mask(text)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range s.words {
		text = maskWord(text, v)
	}
	return text
}

// maskWord puts Mask in the place of a word, which no letter and no digit goes on.
func maskWord(text, word string) string {
	var b strings.Builder
	done := 0
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			break
		}
		start, end := from+i, from+i+len(word)
		if goesOn(text, start) || goesOn(text, end) {
			from = start + 1
			continue
		}
		b.WriteString(text[done:start] + Mask)
		done, from = end, end
	}
	return b.String() + text[done:]
}

// goesOn reports whether a word of a text goes on at an index.
func goesOn(text string, at int) bool {
	return at > 0 && at < len(text) && inWord(text[at-1]) && inWord(text[at])
}

// inWord reports whether a byte is of a letter, a digit or an underscore.
func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// Holds reports whether bytes have a secret in them.
func (s *Seen) Holds(p []byte) bool {
	text := string(p)
	return s.Mask(text) != text
}

// Writer returns a writer that masks secrets in what it hands on to w. A secret
// that is torn between two writes is not found: callers write whole lines.
func (s *Seen) Writer(w io.Writer) io.Writer { return &masking{w, s} }

// masking is a writer that masks.
type masking struct {
	w    io.Writer
	seen *Seen
}

// Write writes p without its secrets. It reports len(p) when all was written.
func (m *masking) Write(p []byte) (int, error) {
	if m.seen == nil {
		return m.w.Write(p)
	}
	m.seen.mu.RLock()
	none := len(m.seen.values) == 0
	m.seen.mu.RUnlock()
	if none {
		return m.w.Write(p)
	}
	text := string(p)
	masked := m.seen.Mask(text)
	if masked == text {
		return m.w.Write(p)
	}
	if _, err := io.WriteString(m.w, masked); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Bare returns the writer behind one that masks: a program of the user's is given
// the terminal itself.
func Bare(w io.Writer) io.Writer {
	if m, ok := w.(*masking); ok {
		return m.w
	}
	return w
}
