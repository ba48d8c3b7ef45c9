package discovery

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A protoOutline is what a scan of a .proto file finds: which names it declares and refers to.
// It is right for files that compile; for others it has what comes before a fault.
type protoOutline struct {
	pkg       protoreflect.FullName
	top       map[protoreflect.Name]bool // messages, enums, extensions: true; services, enum values: false
	services  []serviceOutline
	extendees []string // as they are written
}

type serviceOutline struct {
	name    protoreflect.Name
	methods []protoreflect.Name
}

// outline looks over the text of a .proto file without compiling it.
func outline(text string) *protoOutline {
	s := &outliner{text: text, out: &protoOutline{top: map[protoreflect.Name]bool{}}}
	for s.statement() {
	}
	return s.out
}

// An outliner reads statements: words up to a semicolon or a bracket.
type outliner struct {
	text  string
	pos   int
	words []string // of the statement so far, at most a few
	after bool     // an equals sign was read in the statement
	open  []scope  // the brackets around the current position
	out   *protoOutline
}

// A scope is what a bracket belongs to.
type scope uint8

const (
	scopeOther scope = iota
	scopeMessage
	scopeEnum
	scopeService
	scopeExtend
)

// statement reads up to the next end of a statement or bracket, and reports whether
// there was one.
func (s *outliner) statement() bool {
	s.words, s.after = s.words[:0], false
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"' || c == '\'':
			s.pos = skipString(s.text, s.pos) + 1
		case c == '/':
			s.pos = skipComment(s.text, s.pos) + 1
		case wordByte(c) || c == '.':
			s.name()
		case c == '=':
			s.after = true
			s.pos++
		case c == ';':
			s.pos++
			s.ended()
			return true
		case c == '{':
			s.pos++
			s.begin()
			return true
		case c == '}':
			s.pos++
			if len(s.open) > 0 {
				s.open = s.open[:len(s.open)-1]
			}
			return true
		default:
			s.pos++
		}
	}
	return false
}

// name reads a word or a name with dots. The first few of a statement are kept, up to its =.
func (s *outliner) name() {
	start := s.pos
	for s.pos < len(s.text) && (wordByte(s.text[s.pos]) || s.text[s.pos] == '.') {
		s.pos++
	}
	const most = 8
	if !s.after && len(s.words) < most {
		s.words = append(s.words, s.text[start:s.pos])
	}
}

// wordByte reports whether a byte is part of a word.
func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (s *outliner) inside() (scope, int) {
	if len(s.open) == 0 {
		return scopeOther, 0
	}
	return s.open[len(s.open)-1], len(s.open)
}

// word returns the nth word of the statement, or "".
func (s *outliner) word(n int) string {
	if n < 0 || n >= len(s.words) {
		return ""
	}
	return s.words[n]
}

// ended handles a statement that ends in a semicolon.
func (s *outliner) ended() {
	in, depth := s.inside()
	switch {
	case depth == 0 && s.word(0) == "package":
		if name := protoreflect.FullName(s.word(1)); symbol.Valid(name) {
			s.out.pkg = name
		}
	case depth == 1 && in == scopeEnum && s.after && s.word(0) != "option":
		s.declare(s.word(0), false)
	case depth == 1 && in == scopeExtend && s.after:
		s.declare(s.word(len(s.words)-1), true)
	case in == scopeService && depth == 1 && s.word(0) == "rpc":
		s.method()
	}
}

// begin handles a statement whose bracket opens.
func (s *outliner) begin() {
	in, depth := s.inside()
	kind := scopeOther
	if s.after {
		s.beginOption(in, depth)
	} else {
		kind = s.opens(in, depth)
	}
	switch kind {
	case scopeExtend:
		if name := s.word(1); name != "" && len(name) <= symbol.MaxName {
			s.out.extendees = append(s.out.extendees, name)
		}
	case scopeService:
		if name := protoreflect.Name(s.word(1)); symbol.Valid(name) {
			s.out.services = append(s.out.services, serviceOutline{name: name})
			s.declare(s.word(1), false)
		}
	case scopeMessage, scopeEnum:
		if depth == 0 {
			s.declare(s.word(1), true)
		}
	case scopeOther:
		if !s.after && s.word(0) == "rpc" && in == scopeService && depth == 1 {
			s.method()
		}
	}
	// A hostile file nests brackets without end. Below a few levels nothing is of interest,
	// and a level takes one byte.
	s.open = append(s.open, kind)
}

// opens returns what the bracket of a statement holds, by the statement's first word.
func (s *outliner) opens(in scope, depth int) scope {
	nests := depth == 0 || in == scopeMessage
	switch first := s.word(0); {
	case first == "message" && nests:
		return scopeMessage
	case first == "enum" && nests:
		return scopeEnum
	case first == "extend":
		return scopeExtend
	case first == "service" && depth == 0:
		return scopeService
	}
	return scopeOther
}

// beginOption handles a statement whose bracket holds options or a group.
func (s *outliner) beginOption(in scope, depth int) {
	switch first := s.word(0); {
	case depth != 1:
	case in == scopeExtend:
		s.declare(s.word(len(s.words)-1), true)
	case in == scopeEnum && first != "option":
		s.declare(first, false)
	}
}

func (s *outliner) method() {
	if n := len(s.out.services); n > 0 {
		if name := protoreflect.Name(s.word(1)); symbol.Valid(name) {
			s.out.services[n-1].methods = append(s.out.services[n-1].methods,
				protoreflect.Name(strings.Clone(string(name))))
		}
	}
}

func (s *outliner) declare(word string, listed bool) {
	if name := protoreflect.Name(word); symbol.Valid(name) {
		s.out.top[protoreflect.Name(strings.Clone(word))] = listed
	}
}
