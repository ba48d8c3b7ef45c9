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
	// shortest is the length from which a value is masked wherever it stands, in bytes. A
	// shorter one could be part of any word; it is masked where it is the whole text.
	shortest = 8
	// shortestWord is the length from which a value is masked as a word of what a server
	// says, in bytes.
	shortestWord = 4
)

// Seen holds the secrets that a process has sent, to mask them wherever they come back. The zero
// value is empty, and a nil *Seen stays so. It is safe for concurrent use.
type Seen struct {
	mu     sync.RWMutex
	values []string // the longest first
	short  []string
	words  []string // the short ones that are masked as words, in all forms
}

// Add adds a secret, in the forms in which it may come back: without the scheme of an
// authorization, as user and password, and encoded.
func (s *Seen) Add(value string) {
	if s == nil || value == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(value)
	scheme, credentials := authorization(value)
	s.add(credentials)
	if scheme == "basic" {
		s.addBasic(credentials)
	}
}

// AddURL adds the password and the secret parameters in a URL. A text that is not a URL is
// ignored.
func (s *Seen) AddURL(text string) {
	for _, span := range URL(text) {
		value, rest := text[span[0]:span[1]], text[span[1]:]
		if strings.HasPrefix(rest, "@") { // a user, who is not secret, and a password
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

// addBasic adds the password in the credentials of RFC 7617.
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

// add adds a value as it is and encoded.
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

// addForms appends a value as it is and encoded, and puts the longest forms first.
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

// inJSON returns a text as it is written between the quotes of a JSON string.
func inJSON(text string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(text) != nil {
		return text // cannot happen: a string has a JSON form
	}
	return strings.TrimSuffix(b.String(), "\"\n")[1:]
}

// Mask returns a text with each secret replaced by Mask.
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

// MaskWords is Mask for what a server says in a status or a header, where a short secret is masked
// too if it is a whole word. Elsewhere it could be any word of this program.
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

// maskWord replaces a text by Mask where it is a whole word.
func maskWord(text, word string) string {
	var b strings.Builder
	done := 0
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			break
		}
		start, end := from+i, from+i+len(word)
		if insideWord(text, start) || insideWord(text, end) {
			from = start + 1
			continue
		}
		b.WriteString(text[done:start] + Mask)
		done, from = end, end
	}
	return b.String() + text[done:]
}

// insideWord reports whether the bytes before and after an index are of one word.
func insideWord(text string, i int) bool {
	return i > 0 && i < len(text) && wordByte(text[i-1]) && wordByte(text[i])
}

// wordByte reports whether a byte is part of a letter, a digit or an underscore.
func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// Holds reports whether there is a secret in bytes.
func (s *Seen) Holds(p []byte) bool {
	text := string(p)
	return s.Mask(text) != text
}

// Writer returns a writer that masks secrets in what it writes to w. A secret that is split between
// two writes is not found: callers write whole lines.
func (s *Seen) Writer(w io.Writer) io.Writer { return &masking{w, s} }

// A masking is the writer of Seen.Writer.
type masking struct {
	w    io.Writer
	seen *Seen
}

// Write writes p with its secrets masked. It returns len(p) when all was written.
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

// Unmasked returns the writer below one that Seen.Writer made, and any other writer as it is. The
// user's own programs get the terminal itself.
func Unmasked(w io.Writer) io.Writer {
	if m, ok := w.(*masking); ok {
		return m.w
	}
	return w
}
