package repl

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// A Key is a key that was pressed, by the name that help uses: "Enter", "Tab", "S-Tab", "Esc",
// "Backspace", "Delete", "Up", "C-Left", "F1"; "C-a" for Control and a letter; "M-b" for Alt
// and a character.
type Key string

// keyPaste is the Key of an event that carries a paste.
const keyPaste Key = "paste"

// An event is what a person did: typed a text (no Key), pressed a key, or pasted.
type event struct {
	key  Key
	text string
}

// Bounds on what is kept of a terminal's bytes, since something may only pretend to be a
// terminal.
const (
	maxSequence = 64
	maxPaste    = 64 << 20 // as much as the greatest message by default
)

var (
	pasteBegin = []byte("\x1b[200~")
	pasteEnd   = []byte("\x1b[201~")
)

// A decoder splits the bytes of a terminal into events. Where the bytes are cut does not
// matter.
type decoder struct {
	tail    []byte // what is not a whole key yet
	pasting bool
	paste   []byte
}

// pending reports whether the tail is the beginning of a sequence. It may also be the Esc key
// alone: only bytes that follow at once belong to it.
func (d *decoder) pending() bool { return !d.pasting && len(d.tail) > 0 && d.tail[0] == 0x1b }

// feed decodes bytes that were read.
func (d *decoder) feed(p []byte) []event {
	d.tail = append(d.tail, p...)
	return d.decode(false)
}

// flush decodes the tail when nothing came after the beginning of a sequence.
func (d *decoder) flush() []event { return d.decode(true) }

func (d *decoder) decode(final bool) []event {
	var events []event
	for len(d.tail) > 0 {
		if d.pasting {
			if !d.takePaste(&events) {
				break
			}
			continue
		}
		e, n := next(d.tail, final)
		if n == 0 {
			break
		}
		if bytes.Equal(d.tail[:n], pasteBegin) {
			d.pasting = true
		} else if e.key != "" || e.text != "" {
			events = append(events, e)
		}
		d.tail = d.tail[n:]
	}
	if len(d.tail) == 0 {
		d.tail = nil
	}
	return events
}

// takePaste moves bytes to the paste. It returns false when the end has not come.
func (d *decoder) takePaste(events *[]event) bool {
	end := bytes.Index(d.tail, pasteEnd)
	n := end
	if end < 0 { // the end may be cut: keep bytes that may be its beginning
		n = len(d.tail)
		for k := min(len(pasteEnd)-1, len(d.tail)); k > 0; k-- {
			if bytes.HasSuffix(d.tail, pasteEnd[:k]) {
				n -= k
				break
			}
		}
	}
	d.paste = append(d.paste, d.tail[:min(n, maxPaste-len(d.paste))]...)
	d.tail = d.tail[n:]
	if end < 0 {
		return false
	}
	d.tail = d.tail[len(pasteEnd):]
	*events = append(*events, event{keyPaste, cleanPaste(d.paste)})
	d.pasting, d.paste = false, nil
	return true
}

// cleanPaste makes a paste text: line feeds for all line ends, no controls, valid UTF-8.
func cleanPaste(p []byte) string {
	s := strings.ToValidUTF8(string(p), "\uFFFD")
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// next returns the first event of b and how many bytes it takes: 0 when it is not whole, which
// never happens when final is set. An empty event is a sequence without a meaning here.
func next(b []byte, final bool) (event, int) {
	switch c := b[0]; {
	case c == 0x1b:
		return nextEscape(b, final)
	case c < ' ' || c == 0x7f:
		return event{key: controlKey(c)}, 1
	}
	n := 0
	for n < len(b) && b[n] >= ' ' && b[n] != 0x7f {
		if b[n] >= utf8.RuneSelf && !utf8.FullRune(b[n:]) {
			if n == 0 && final {
				n = len(b)
			}
			break
		}
		_, size := utf8.DecodeRune(b[n:])
		n += size
	}
	return event{text: strings.ToValidUTF8(string(b[:n]), "\uFFFD")}, n
}

// controlKey names a control character.
func controlKey(c byte) Key {
	switch c {
	case '\r', '\n':
		return "Enter"
	case '\t':
		return "Tab"
	case 0x7f, 0x08:
		return "Backspace"
	case 0x1b:
		return "Esc"
	case 0:
		return "C-Space"
	case 0x1f:
		return "C-_"
	}
	if c <= 26 {
		return Key("C-" + string(rune('a'+c-1)))
	}
	return Key("C-" + string(rune(c+64)))
}

// nextEscape decodes a sequence that begins with an escape.
func nextEscape(b []byte, final bool) (event, int) {
	esc := event{key: "Esc"}
	if len(b) == 1 {
		if final {
			return esc, 1
		}
		return event{}, 0
	}
	switch c := b[1]; {
	case c == '[':
		return nextCSI(b, final)
	case c == 'O':
		if len(b) == 2 {
			if final {
				return event{key: "M-O"}, 2
			}
			return event{}, 0
		}
		return event{key: finalKey(b[2], "")}, 3
	case c == 0x1b:
		return esc, 1
	case c < ' ' || c == 0x7f:
		return event{key: "M-" + controlKey(c)}, 2
	}
	if !utf8.FullRune(b[1:]) && !final {
		return event{}, 0
	}
	r, size := utf8.DecodeRune(b[1:])
	return event{key: Key("M-" + string(r))}, 1 + size
}

// nextCSI decodes a control sequence: parameters, then one final byte (ECMA-48, 5.4).
func nextCSI(b []byte, final bool) (event, int) {
	i := 2
	if i < len(b) && b[i] == '[' { // function keys of the Linux console
		if i+1 < len(b) {
			if c := b[i+1]; c >= 'A' && c <= 'E' {
				return event{key: Key("F" + string(rune('1'+c-'A')))}, i + 2
			}
			return event{}, i + 2
		}
		i++
	}
	for ; i < len(b) && i < maxSequence; i++ {
		switch c := b[i]; {
		case c >= 0x40 && c <= 0x7e:
			return event{key: sequenceKey(string(b[2:i]), c)}, i + 1
		case c < 0x20 || c > 0x7e: // not part of a sequence: it was cut off
			return event{}, i
		}
	}
	if i >= maxSequence {
		return event{}, i
	}
	if final {
		return event{key: "M-["}, 2
	}
	return event{}, 0
}

// modifiers are the prefixes for the second parameter of a key's sequence, as xterm counts them.
var modifiers = map[string]string{"2": "S-", "3": "M-", "4": "M-S-", "5": "C-", "6": "C-S-", "7": "C-M-", "8": "C-M-S-"}

// numbered are the keys whose sequence is a number and a tilde.
var numbered = map[string]Key{
	"1": "Home", "2": "Insert", "3": "Delete", "4": "End", "5": "PageUp", "6": "PageDown", "7": "Home", "8": "End",
	"11": "F1", "12": "F2", "13": "F3", "14": "F4", "15": "F5", "17": "F6", "18": "F7", "19": "F8", "20": "F9", "21": "F10", "23": "F11", "24": "F12",
}

func sequenceKey(params string, last byte) Key {
	first, second, _ := strings.Cut(params, ";")
	mod := modifiers[second]
	if last == '~' {
		if k, ok := numbered[first]; ok {
			return Key(mod) + k
		}
		return ""
	}
	return finalKey(last, mod)
}

// finalKey names the keys that a final byte identifies.
func finalKey(last byte, mod string) Key {
	name := ""
	switch last {
	case 'A':
		name = "Up"
	case 'B':
		name = "Down"
	case 'C':
		name = "Right"
	case 'D':
		name = "Left"
	case 'H':
		name = "Home"
	case 'F':
		name = "End"
	case 'Z':
		return "S-Tab"
	case 'M':
		name = "Enter" // of the number pad, in its application mode
	case 'P', 'Q', 'R', 'S':
		name = "F" + string(rune('1'+last-'P'))
	default:
		return ""
	}
	return Key(mod + name)
}
