package transcode

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message reads a value as a message of the plan p, without a tag or length. Depth is how
// many messages are open with it.
func (s *decoding) message(p *plan, depth int) outcome {
	if depth > maxDepth {
		s.fault(s.pos, s.pos, tooDeep, "")
		return stop
	}
	switch p.known {
	case notKnown, knownEmpty:
		return s.object(p, depth, false)
	case knownAny:
		return s.any(p, depth)
	case knownTimestamp:
		return s.timestamp()
	case knownDuration:
		return s.duration()
	case knownFieldMask:
		return s.fieldMask(p)
	case knownStruct:
		return s.mapping(p.fields[0], depth)
	case knownListValue:
		return s.list(p.fields[0], depth)
	case knownValue:
		return s.value(p, depth)
	}
	return s.scalar(p.fields[0], p.fields[0].tag, false)
}

// object reads an object as a message of the plan p. Inside an Any the key "@type" is passed
// over. It is long since it is one loop over the keys with its state.
func (s *decoding) object(p *plan, depth int, inAny bool) outcome {
	if p.messageSet {
		s.fault(s.pos, s.pos, string(p.md.FullName())+" is a MessageSet, which has no JSON form", "")
		return stop
	}
	if out := s.open('{'); out != written {
		return out
	}
	seen, ext, chosen := len(s.seen), len(s.seenExt), len(s.chosen)
	words := (len(p.fields) + 63) / 64
	if seen+words > maxOpen || chosen+p.oneofs > maxOpen {
		s.fault(s.pos, s.pos, tooWide, "")
		return stop
	}
	s.seen = append(s.seen, make([]uint64, words)...)
	s.chosen = reserve(s.chosen, p.oneofs)
	changed := len(s.changed)
	typed := false
	guess := 0
	for n := 0; ; n++ {
		if out := s.next('}', n); out == stop {
			return stop
		} else if out == nothing {
			break
		}
		k, ok := s.key()
		if !ok {
			return stop
		}
		if inAny && string(k.text) == "@type" {
			if typed && s.faulty(k.span, `"@type" is here twice`, "") == stop {
				return stop
			}
			typed = true
			if !s.skip() {
				return stop
			}
			continue
		}
		f := p.guess(guess, k.text)
		if f == nil {
			if f, ok = s.find(p, k); !ok {
				return stop
			}
		}
		if f == nil {
			if !s.skip() {
				return stop
			}
			continue
		}
		guess = int(f.index) + 1
		if !s.first(p, f, k, seen, ext) {
			return stop
		}
		s.path = append(s.path, place{f: f})
		out := s.field(f, k, depth, chosen)
		s.path = s.path[:len(s.path)-1]
		if out == stop {
			return stop
		}
	}
	for _, i := range s.changed[changed:] {
		s.chosen[i] = nil
	}
	s.seen, s.seenExt, s.chosen, s.changed = s.seen[:seen], s.seenExt[:ext], s.chosen[:chosen], s.changed[:changed]
	return written
}

// guess returns the field called name if it is one of the few from index on: keys mostly
// come in the order of the declaration.
func (p *plan) guess(index int, name []byte) *field {
	for _, f := range p.fields[min(index, len(p.fields)):min(index+3, len(p.fields))] {
		if f.json == string(name) && !f.shadowed {
			return f
		}
	}
	return nil
}

// open takes the byte that begins an object or array. For any other value it notes a fault,
// skips the value, and returns nothing.
func (s *decoding) open(c byte) outcome {
	t, ok := s.token()
	if !ok {
		return stop
	}
	if t.kind == objectToken && c == '{' || t.kind == arrayToken && c == '[' {
		s.pos++
		return written
	}
	return s.mismatch(t)
}

// find returns the field of p that the key names. When there is none, it returns nil and,
// unless unknown fields are allowed, notes a fault. It reports false when reading cannot go
// on.
func (s *decoding) find(p *plan, k token) (*field, bool) {
	if f := p.names[string(k.text)]; f != nil {
		return f, true
	}
	if n := len(k.text); n > 2 && k.text[0] == '[' && k.text[n-1] == ']' {
		name := protoreflect.FullName(k.text[1 : n-1])
		xt, err := s.set.types.FindExtensionByName(name)
		if err == nil {
			if f := p.extension(xt.TypeDescriptor()); f != nil {
				return f, true
			}
			return nil,
				s.faulty(k.span, string(p.md.FullName())+" is not extended by "+excerpt([]byte(name)), "") != stop
		}
		if s.o.AllowUnknown {
			return nil, true
		}
		return nil, s.faulty(k.span, "no extension "+excerpt([]byte(name))+" of "+string(p.md.FullName())+" is known",
			"") != stop
	}
	if s.o.AllowUnknown {
		return nil, true
	}
	problem := "no field " + quote(k.text) + " in " + string(p.md.FullName())
	return nil, s.faulty(k.span, problem, p.nearest(string(k.text))) != stop
}

// first notes that the field f was read, which is a fault the second time. It reports false
// when reading cannot go on.
func (s *decoding) first(p *plan, f *field, k token, seen, ext int) bool {
	again := false
	if int(f.index) < len(p.fields) {
		word, bit := &s.seen[seen+int(f.index)/64], uint64(1)<<(f.index%64)
		again = *word&bit != 0
		*word |= bit
	} else {
		for _, x := range s.seenExt[ext:] {
			again = again || x == f
		}
		s.seenExt = append(s.seenExt, f)
	}
	return !again || s.faulty(k.span, "the field "+f.json+" is here twice", "") != stop
}

// field reads the value of a field whose key is k.
func (s *decoding) field(f *field, k token, depth, chosen int) outcome {
	c, ok := s.peek()
	if !ok {
		return stop
	}
	if c == 'n' && !f.takesNull() {
		at := s.pos
		t, ok := s.token()
		if !ok {
			return stop
		}
		if string(t.text) == "null" {
			return nothing
		}
		s.pos = at
	}
	if f.oneof >= 0 {
		was := &s.chosen[chosen+int(f.oneof)]
		if *was == nil {
			s.changed = append(s.changed, int32(chosen)+f.oneof)
		} else if *was != f {
			problem := f.json + " and " + (*was).json + " are members of one oneof, " +
				string(f.fd.ContainingOneof().Name()) + ": only one of them can be set"
			if s.faulty(k.span, problem, "") == stop {
				return stop
			}
		}
		*was = f
	}
	switch f.shape {
	case listShape:
		return s.list(f, depth)
	case mapShape:
		return s.mapping(f, depth)
	case messageShape:
		return s.nested(f, depth)
	}
	return s.scalar(f, f.tag, f.presence)
}

// takesNull reports whether null is a value of the field, which for all others means that
// it is not set.
func (f *field) takesNull() bool {
	if f.shape >= listShape {
		// protojson checks the element's type here, so null in place of a list of them is a
		// fault.
		return f.null && f.shape == listShape || f.kind == protoreflect.MessageKind && f.shape == listShape &&
			f.message().known == knownValue
	}
	return f.null || f.shape == messageShape && f.message().known == knownValue
}

// nested reads a message with its tag and length, or its end tag.
func (s *decoding) nested(f *field, depth int) outcome {
	at := len(s.out)
	s.out = append(s.out, f.tag...)
	if f.wire == protowire.StartGroupType {
		out := s.message(f.message(), depth+1)
		s.out = protowire.AppendTag(s.out, f.num, protowire.EndGroupType)
		return out
	}
	mark := s.begin(depth)
	out := s.message(f.message(), depth+1)
	if out == nothing {
		s.out = s.out[:at]
		return nothing
	}
	s.end(mark, depth)
	return out
}

// list reads the elements of a list.
func (s *decoding) list(f *field, depth int) outcome {
	if out := s.open('['); out != written {
		return out
	}
	at, mark := len(s.out), 0
	if f.packed {
		s.out = append(s.out, f.tag...)
		mark = s.begin(depth)
	}
	from := len(s.out)
	s.path = append(s.path, place{})
	for n := 0; ; n++ {
		s.path[len(s.path)-1].index = n
		out := s.next(']', n)
		if out == stop || s.beyond(0) {
			return stop
		}
		if out == nothing {
			break
		}
		switch {
		case f.wire == protowire.BytesType && f.kind == protoreflect.MessageKind, f.wire == protowire.StartGroupType:
			out = s.nested(f, depth)
		case f.packed:
			out = s.scalar(f, nil, true)
		default:
			out = s.scalar(f, f.tag, true)
		}
		if out == stop {
			return stop
		}
	}
	s.path = s.path[:len(s.path)-1]
	if !f.packed {
		return written
	}
	if len(s.out) == from {
		s.out = s.out[:at]
		return written
	}
	s.end(mark, depth)
	return written
}

// keyCost is what a key of a map takes while the map is read, in addition to its bytes: its
// position, and its share of the table in which it is found.
const keyCost = 16

// beyond reports whether the message would be too large with n bytes more.
func (s *decoding) beyond(n int) bool {
	if len(s.out)+n+keyCost*len(s.keys) > s.most {
		s.ended = ErrTooLarge
		return true
	}
	return false
}

// mapping reads the entries of a map.
func (s *decoding) mapping(f *field, depth int) outcome {
	if out := s.open('{'); out != written {
		return out
	}
	base := len(s.keys)
	if s.maps++; s.maps > len(s.sets) {
		s.sets = append(s.sets, keyIndex{})
	}
	s.sets[s.maps-1].used = 0
	for n := 0; ; n++ {
		out := s.next('}', n)
		if out == stop || s.beyond(0) {
			return stop
		}
		if out == nothing {
			break
		}
		k, ok := s.key()
		if !ok {
			return stop
		}
		s.path = append(s.path, place{key: k.span})
		out = s.entry(f, k, depth, base)
		s.path = s.path[:len(s.path)-1]
		if out == stop {
			return stop
		}
	}
	s.maps--
	s.sets[s.maps].shrink()
	s.keys = s.keys[:base]
	return written
}

// entry reads the value of a map's entry whose key is k. The keys read before are those
// since base.
func (s *decoding) entry(f *field, k token, depth, base int) outcome {
	at := len(s.out)
	s.out = append(s.out, f.tag...)
	mark := s.begin(depth)
	s.out = append(s.out, f.mapKey.tag...)
	key := outSpan{start: uint32(len(s.out))}
	ok := s.mapKey(f.mapKey, k)
	if !ok && len(s.faults) >= maxFaults {
		return stop
	}
	key.end = uint32(len(s.out))
	if ok && s.hasKey(base, key) &&
		s.faulty(k.span, "the key "+excerpt(s.in[k.span.start:k.span.end])+" is here twice", "") == stop {
		return stop
	}
	var out outcome
	if f.mapValue.shape == messageShape {
		out = s.nested(f.mapValue, depth+1)
	} else {
		out = s.scalar(f.mapValue, f.mapValue.tag, true)
	}
	if out == stop {
		return stop
	}
	if out == nothing {
		// An enum value that is not known and may be left out removes its entry, and leaves
		// its key free.
		s.out = s.out[:at]
		if ok {
			s.forgetKey()
		}
		return nothing
	}
	moved := uint32(s.end(mark, depth))
	if ok {
		s.keys[len(s.keys)-1] = outSpan{key.start + moved, key.end + moved}
	}
	return written
}
