// Package palette holds the colours of the program: what each role of a text looks like on a
// terminal. The sequences come from fatih/color; nothing else makes any.
//
// The main type is [Palette]. Whoever makes one decides whether it paints, from what is known
// of the terminal. The environment and the library's global color.NoColor, which knows
// standard output alone, have no effect. The bytes are the same on every system: on Windows,
// importing fatih/color switches on the console mode that understands them.
//
// The colours are those of the 16-colour palette, which every terminal has and lets its owner
// choose.
package palette

import (
	"strings"

	"github.com/fatih/color"
)

// A Role is what a piece of text is.
type Role uint8

// The roles.
const (
	Plain   Role = iota // any other text
	Key                 // the name of a field, of a header
	String              // a string; what went well
	Number              // a number; in the shell, any value without quotes
	Word                // true, false, null, an enum value; a keyword of source
	Type                // the name of a type
	Comment             // a comment of source
	Bad                 // what went wrong
	Strong              // a head; in the shell, the name of a command or method
	Faint               // what is beside the matter
	Field               // a field in the shell
	Matched             // the bracket under the cursor and its partner
	Chosen              // the selected row of a menu
	Wrong               // a name that does not exist
	roles
)

// looks are the attributes of each role.
var looks = [roles]struct {
	colors     []color.Attribute
	monochrome []color.Attribute // on a terminal without colours, in the shell
}{
	Key:     {colors: []color.Attribute{color.FgCyan}},
	String:  {colors: []color.Attribute{color.FgGreen}},
	Number:  {colors: []color.Attribute{color.FgYellow}},
	Word:    {colors: []color.Attribute{color.FgMagenta}},
	Type:    {colors: []color.Attribute{color.FgCyan}},
	Comment: {colors: []color.Attribute{color.FgHiBlack}},
	Bad:     {colors: []color.Attribute{color.FgRed}},
	Strong:  {colors: []color.Attribute{color.Bold}, monochrome: []color.Attribute{color.Bold}},
	Faint:   {colors: []color.Attribute{color.Faint}},
	Field:   {colors: []color.Attribute{color.FgBlue}},
	Matched: {colors: []color.Attribute{color.Bold, color.Underline}, monochrome: []color.Attribute{color.Bold}},
	Chosen:  {colors: []color.Attribute{color.ReverseVideo}, monochrome: []color.Attribute{color.ReverseVideo}},
	Wrong:   {colors: []color.Attribute{color.Underline, color.FgRed}, monochrome: []color.Attribute{color.Underline}},
}

// A Palette is the sequence that begins each role and the one that ends any. It is never
// written after it was made, so it is safe for concurrent use. A nil *Palette paints nothing.
type Palette struct {
	begin [roles]string
	end   string
}

// New returns the palette for text that is written once, or nil unless it is enabled.
func New(enabled bool) *Palette {
	if !enabled {
		return nil
	}
	p := &Palette{}
	for role, look := range looks {
		if len(look.colors) > 0 {
			p.begin[role], p.end = sequences(look.colors)
		}
	}
	return p
}

// NewScreen returns the palette of a screen that is drawn again and again. A role's sequence
// ends the role before it, so that a line of many roles needs one end. Without colors the
// roles that must be seen are bold, underlined or reversed, and the others are not painted.
func NewScreen(colors bool) *Palette {
	p := &Palette{}
	p.end, _ = sequences(nil)
	for role, look := range looks {
		attributes := look.monochrome
		if colors {
			attributes = look.colors
		}
		if len(attributes) == 0 {
			p.begin[role] = p.end
			continue
		}
		p.begin[role], _ = sequences(append([]color.Attribute{color.Reset}, attributes...))
	}
	return p
}

// sequences returns what the library writes before and after a text with these attributes.
func sequences(attributes []color.Attribute) (begin, end string) {
	c := color.New(attributes...)
	c.EnableColor() // whatever NO_COLOR and color.NoColor are
	var b strings.Builder
	c.SetWriter(&b)
	begin = b.String()
	b.Reset()
	c.UnsetWriter(&b)
	return begin, b.String()
}

// Begin returns the sequence that begins a role.
func (p *Palette) Begin(r Role) string {
	if p == nil {
		return ""
	}
	return p.begin[r]
}

// End returns the sequence that ends a role.
func (p *Palette) End() string {
	if p == nil {
		return ""
	}
	return p.end
}

// Paint returns s between the sequences of a role. An empty text and a role that looks like
// any text have none.
func (p *Palette) Paint(r Role, s string) string {
	if s == "" || p.plain(r) {
		return s
	}
	return p.begin[r] + s + p.end
}

// plain reports whether a role looks like any other text.
func (p *Palette) plain(r Role) bool { return p == nil || p.begin[r] == "" || p.begin[r] == p.end }

// Append appends what Paint returns to dst.
func (p *Palette) Append(dst []byte, r Role, s string) []byte {
	if s == "" || p.plain(r) {
		return append(dst, s...)
	}
	return append(append(append(dst, p.begin[r]...), s...), p.end...)
}
