package repl

import "strings"

// A Want is what can come next in a document.
type Want uint8

// The wants.
const (
	WantValue Want = iota
	WantKey
	WantColon
	WantComma // or the closing bracket
	WantEnd   // the document is complete
)

// A Step leads from a value to one inside of it: a key of an object, or an index of a list.
type Step struct {
	Key   string
	Index int
	List  bool
}

// A Place is where in a half-typed document its end is.
type Place struct {
	Path   []Step // to the object, for WantKey; else to the value
	Want   Want
	Prefix string   // the key or value that has begun, without quotes
	Start  int      // where that begins, with its quote; the end of the text when there is none
	Quote  byte     // its opening quote; 0: none
	Used   []string // keys of the object that were given before, for WantKey
}

// A Token is a key or a value of a document.
type Token struct {
	Span
	Text   string // without quotes
	Key    bool
	Quoted bool
	Path   []Step // as in Place
}

// scanFrame is an object or list that is open.
type scanFrame struct {
	list  bool
	want  Want
	key   string
	index int
	used  []string
}

// ScanJSON walks over a document that may be half-typed, or wrong, or no document at all. It
// returns where in the document the text ends; visit, when it is not nil, gets each key and
// value. It never fails: text without a meaning is skipped.
func ScanJSON(text string, visit func(Token)) Place {
	sc := &scanner{text: text, visit: visit}
	for sc.i < len(text) {
		switch c := text[sc.i]; {
		case c == '{':
			sc.i++
			sc.stack = append(sc.stack, scanFrame{want: WantKey})
		case c == '[':
			sc.i++
			sc.stack = append(sc.stack, scanFrame{list: true, want: WantValue})
		case c == '}' || c == ']':
			sc.i++
			sc.pop()
		case c == ',':
			sc.i++
			sc.comma()
		case c == ':':
			sc.i++
			sc.colon()
		case c == '/' && strings.HasPrefix(text[sc.i:], "//"):
			sc.skipTo("\n", 0)
		case c == '/' && strings.HasPrefix(text[sc.i:], "/*"):
			sc.skipTo("*/", 2)
		case strings.IndexByte(" \t\r\n", c) >= 0:
			sc.i++
		default:
			if p, open := sc.token(); open {
				return p
			}
		}
	}
	return sc.place(len(text), "", 0)
}

// colon handles the colon between a key and its value.
func (sc *scanner) colon() {
	if f := sc.top(); f != nil && !f.list {
		f.want = WantValue
	}
}

type scanner struct {
	text  string
	i     int
	stack []scanFrame
	done  bool
	visit func(Token)
}

func (sc *scanner) top() *scanFrame {
	if len(sc.stack) == 0 {
		return nil
	}
	return &sc.stack[len(sc.stack)-1]
}

func (sc *scanner) pop() {
	if len(sc.stack) > 0 {
		sc.stack = sc.stack[:len(sc.stack)-1]
	}
	sc.closed()
}

// closed records that a value has ended.
func (sc *scanner) closed() {
	if f := sc.top(); f != nil {
		f.want = WantComma
		return
	}
	sc.done = true
}

func (sc *scanner) comma() {
	f := sc.top()
	switch {
	case f == nil:
		sc.done = false
	case f.list:
		f.index++
		f.want = WantValue
	default:
		f.want, f.key = WantKey, ""
	}
}

func (sc *scanner) skipTo(end string, from int) {
	n := strings.Index(sc.text[sc.i+from:], end)
	if n < 0 {
		sc.i = len(sc.text)
		return
	}
	sc.i += from + n + len(end)
}

// token reads a string or a word. open is set when the text ends in it.
func (sc *scanner) token() (p Place, open bool) {
	start := sc.i
	text, quote := sc.readToken()
	if sc.i == len(sc.text) {
		if sc.visit != nil && text != "" {
			sc.tell(start, text, quote)
		}
		return sc.place(start, text, quote), true
	}
	if quote != 0 && sc.text[sc.i] == quote {
		sc.i++
	}
	if sc.visit != nil {
		sc.tell(start, text, quote)
	}
	if f := sc.top(); f != nil && !f.list && f.want == WantKey {
		f.key, f.want = text, WantColon
		f.used = append(f.used, text)
		return Place{}, false
	}
	sc.closed()
	return Place{}, false
}

// readToken reads the text of a string or a word, without quotes, and returns the quote, 0 for none.
func (sc *scanner) readToken() (text string, quote byte) {
	if c := sc.text[sc.i]; c == '"' || c == '\'' {
		quote = c
		sc.i++
	}
	from := sc.i
	for sc.i < len(sc.text) && !sc.endsToken(quote) {
		if quote != 0 && sc.text[sc.i] == '\\' {
			sc.i++
		}
		sc.i++
	}
	sc.i = min(sc.i, len(sc.text))
	return sc.text[from:sc.i], quote
}

func (sc *scanner) tell(start int, text string, quote byte) {
	f := sc.top()
	sc.visit(Token{
		Span: Span{Start: start, End: sc.i}, Text: text, Quoted: quote != 0,
		Key: f != nil && !f.list && f.want == WantKey, Path: sc.path(),
	})
}

// endsToken reports whether the byte at i ends the token: the quote or, for a word, a byte
// that cannot be part of one. A string ends with its line.
func (sc *scanner) endsToken(quote byte) bool {
	c := sc.text[sc.i]
	if quote != 0 {
		return c == quote || c == '\n'
	}
	return strings.IndexByte(" \t\r\n,:{}[]\"'", c) >= 0
}

// path leads to the value, or to the object when a key is wanted.
func (sc *scanner) path() []Step {
	var path []Step
	for i, f := range sc.stack {
		switch {
		case f.list:
			path = append(path, Step{Index: f.index, List: true})
		case i == len(sc.stack)-1 && f.want == WantKey:
		default:
			path = append(path, Step{Key: f.key})
		}
	}
	return path
}

func (sc *scanner) place(start int, prefix string, quote byte) Place {
	p := Place{Path: sc.path(), Prefix: prefix, Start: start, Quote: quote}
	f := sc.top()
	switch {
	case f != nil:
		p.Want, p.Used = f.want, f.used
	case sc.done:
		p.Want = WantEnd
	}
	return p
}
