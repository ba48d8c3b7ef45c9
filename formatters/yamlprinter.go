package formatters

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/internal/palette"
)

const (
	// maxYAMLDepth is the depth from which everything is in flow style: in block
	// style the indentation of what nests deep would be most of the text.
	maxYAMLDepth = 50
	// maxYAMLWord is the length from which a string is always quoted, and a key
	// takes the form with a question mark, as YAML 1.2.2 section 8.2.2 demands
	// beyond 1024 characters.
	maxYAMLWord = 1000
)

// A yamlPrinter is a writer that turns the compact JSON that passes through it
// into YAML 1.2 in block style, with keys in their order. The strings that stay in
// quotes are those of the JSON, which YAML reads alike.
type yamlPrinter struct {
	colors *palette.Palette
	b      []byte
	spill  func(b []byte) []byte

	levels  []yamlLevel // the open objects and arrays
	token   []byte      // a string or scalar that is not complete
	quoted  bool        // in a string
	long    bool        // of which the beginning has been printed
	escaped bool        // after a backslash
	keyed   bool        // after a key and its colon
}

// A yamlLevel is an object or array that is open.
type yamlLevel struct {
	object bool
	flow   bool
	key    bool // an object's next string is a key
	asked  bool // the last key had a question mark
	inline bool // the first member stands in the line of a dash, or is the first of all
	count  int  // of members that have begun
}

// start begins a document.
func (y *yamlPrinter) start(b []byte) {
	*y = yamlPrinter{colors: y.colors, spill: y.spill, b: b, levels: y.levels[:0], token: y.token[:0]}
}

// finish ends a document.
func (y *yamlPrinter) finish() []byte {
	y.word()
	return append(y.b, '\n')
}

// Write takes a piece of the JSON of one document.
func (y *yamlPrinter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if y.quoted {
			rest = rest[y.inString(rest):]
			continue
		}
		switch c := rest[0]; c {
		case '{', '[':
			y.openLevel(c == '{')
		case '}', ']':
			y.word()
			y.closeLevel(c)
		case ',':
			y.word()
			l := &y.levels[len(y.levels)-1]
			l.key = l.object
		case ':':
			y.levels[len(y.levels)-1].key = false
		case '"':
			y.quoted = true
			y.token = append(y.token, c)
		default:
			y.token = append(y.token, c)
		}
		rest = rest[1:]
	}
	if len(y.b) >= batch.FlushSize && y.spill != nil {
		y.b = y.spill(y.b)
	}
	return len(p), nil
}

// inString takes what belongs to a string and returns its length.
func (y *yamlPrinter) inString(p []byte) int {
	n := len(p)
	if y.escaped {
		n, y.escaped = 1, false
	} else if i := bytes.IndexAny(p, `"\`); i >= 0 {
		n = i + 1
		y.quoted = p[i] != '"'
		y.escaped = p[i] == '\\'
	}
	y.token = append(y.token, p[:n]...)
	if !y.quoted {
		y.endString()
	} else if len(y.token) > maxYAMLWord {
		y.longString()
		if len(y.b) >= batch.FlushSize && y.spill != nil {
			y.b = y.spill(y.b)
		}
	}
	return n
}

// longString prints what there is of a string that is too long for a plain word.
func (y *yamlPrinter) longString() {
	if !y.long {
		y.long = true
		l := y.level()
		if l != nil && l.key {
			l.asked = !l.flow
		}
		y.place()
		if l != nil && l.key && l.asked {
			y.b = append(y.b, "? "...)
		}
	}
	y.b = append(y.b, y.token...)
	y.token = y.token[:0]
}

// endString prints a string, or what is left of a long one.
func (y *yamlPrinter) endString() {
	l := y.level()
	key := l != nil && l.key
	if y.long || len(y.token) > maxYAMLWord {
		y.longString()
	} else {
		y.place()
		text, role := y.token, palette.String
		if key {
			role = palette.Key
		}
		if (l == nil || !l.flow) && plainYAML(text[1:len(text)-1]) {
			text = text[1 : len(text)-1]
		}
		y.paint(text, role)
	}
	y.token, y.long = y.token[:0], false
	if !key {
		return
	}
	if l.asked {
		y.newline(len(y.levels) - 1)
		l.asked = false
	}
	y.b = append(y.b, ':')
	y.keyed = true
}

// word prints a number, true, false or null that has ended.
func (y *yamlPrinter) word() {
	if len(y.token) == 0 {
		return
	}
	y.place()
	role := palette.Number
	if c := y.token[0]; c >= 'a' && c <= 'z' {
		role = palette.Word
	} else {
		y.token = yamlNumber(y.token)
	}
	y.paint(y.token, role)
	y.token = y.token[:0]
}

// yamlNumber spells a number so that every reader takes it for the same number: a
// negative zero, an exponent, and what is beyond 64 bits need a fraction.
func yamlNumber(n []byte) []byte {
	e := bytes.IndexAny(n, "eE")
	switch {
	case bytes.IndexByte(n, '.') >= 0:
		return n
	case e >= 0:
		return append(n[:e:e], ".0"+string(n[e:])...)
	case string(n) == "-0", len(n) > len("-9223372036854775808"), len(n) >= 19 && !fits64(string(n)):
		return append(n, ".0"...)
	}
	return n
}

func fits64(n string) bool {
	_, signed := strconv.ParseInt(n, 10, 64)
	_, unsigned := strconv.ParseUint(n, 10, 64)
	return signed == nil || unsigned == nil
}

func (y *yamlPrinter) paint(text []byte, role palette.Role) {
	y.b = append(append(append(y.b, y.colors.Begin(role)...), text...), y.colors.End()...)
}

func (y *yamlPrinter) level() *yamlLevel {
	if len(y.levels) == 0 {
		return nil
	}
	return &y.levels[len(y.levels)-1]
}

// place makes the place for a key or a scalar.
func (y *yamlPrinter) place() {
	y.member()
	if y.keyed {
		y.b = append(y.b, ' ')
		y.keyed = false
	}
}

// member makes the place for a key or for an element of an array. The value of a
// key, and what stands at the top, have theirs.
func (y *yamlPrinter) member() {
	l := y.level()
	if l == nil || y.keyed {
		return
	}
	switch {
	case l.flow && l.count > 0:
		y.b = append(y.b, ", "...)
	case l.flow && l.object:
		y.b = append(y.b, '{')
	case l.flow:
		y.b = append(y.b, '[')
	case l.count > 0 || !l.inline:
		y.newline(len(y.levels) - 1)
	}
	if !l.object && !l.flow {
		y.b = append(y.b, "- "...)
	}
	l.count++
}

// openLevel begins an object or array. Its bracket, or the line of its first
// member, is printed with that member, since without any it is {} or [].
func (y *yamlPrinter) openLevel(object bool) {
	y.member()
	next := yamlLevel{object: object, key: object, flow: len(y.levels) >= maxYAMLDepth, inline: !y.keyed}
	if next.flow && y.keyed {
		y.b = append(y.b, ' ')
	}
	y.keyed = false
	y.levels = append(y.levels, next)
}

// closeLevel ends an object or array.
func (y *yamlPrinter) closeLevel(c byte) {
	l := *y.level()
	y.levels = y.levels[:len(y.levels)-1]
	switch {
	case l.count > 0 && l.flow:
		y.b = append(y.b, c)
	case l.count > 0:
	case l.inline || l.flow:
		y.b = append(y.b, c-2, c) // in ASCII, two apart from its opening bracket
	default:
		y.b = append(y.b, ' ', c-2, c)
	}
}

func (y *yamlPrinter) newline(depth int) {
	y.b = append(y.b, '\n')
	for range depth {
		y.b = append(y.b, "  "...)
	}
}

// plainYAML tells whether a string needs no quotes. It says no more often than it
// must, so that no reader of any version takes the string for something else.
func plainYAML(s []byte) bool {
	if len(s) == 0 || s[len(s)-1] == ' ' || s[0] < 'A' || s[0] == '_' {
		return false
	}
	for _, c := range s {
		if !wordByte(c) && !strings.ContainsRune(" ./-+@()", rune(c)) {
			return false
		}
	}
	switch strings.ToLower(string(s)) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf":
		return false
	}
	return true
}
