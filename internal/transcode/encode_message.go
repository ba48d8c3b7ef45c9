package transcode

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message prints a message of the plan p whose content is in the runs from lo to hi, one
// after another. Depth is how many objects and arrays are open with it.
func (s *encoding) message(p *plan, lo, hi, depth int) error {
	if depth > maxDepth {
		return s.fault(int(s.runs[lo].start), tooDeep)
	}
	if p.known != notKnown && p.known != knownEmpty {
		return s.knownMessage(p, lo, hi, depth)
	}
	s.out = append(s.out, '{')
	n, err := s.fields(p, lo, hi, depth, 0)
	if err != nil {
		return err
	}
	s.shut('}', n, depth)
	return nil
}

// span prints the message of the plan p whose content is wire[start:end].
func (s *encoding) span(p *plan, start, end, depth int) error {
	at := len(s.runs)
	s.runs = append(s.runs, run{start: uint32(start), end: uint32(end)})
	err := s.message(p, at, at+1, depth)
	s.runs = s.runs[:at]
	return err
}

// fields prints the fields of a message inside its object, in which there are n already,
// and returns how many there are then.
func (s *encoding) fields(p *plan, lo, hi, depth, n int) (int, error) {
	if p.messageSet {
		return 0, s.fault(int(s.runs[lo].start), string(p.md.FullName())+" is a MessageSet, which has no JSON form")
	}
	base, members := len(s.runs), len(s.members)
	if err := s.gather(p, lo, hi); err != nil {
		return 0, err
	}
	end := len(s.runs)
	next := int32(0)
	for i := base; i < end; {
		index := s.runs[i].field
		j := i + 1
		for j < end && s.runs[j].field == index {
			j++
		}
		f := p.field(index)
		from := i
		i = j
		if f.oneof >= 0 {
			m := s.members[members+int(f.oneof)]
			if m.field != index+1 {
				continue
			}
			s.members[members+int(f.oneof)] = member{}
			for s.runs[from].start < m.since {
				from++
			}
		}
		if s.o.EmitDefaults {
			n = s.defaults(p, next, index, depth, n)
			next = index + 1
		}
		var err error
		if n, err = s.field(f, from, j, depth, n); err != nil {
			return 0, within(err, f)
		}
		if len(s.out) >= s.flushAt {
			if err := s.flush(); err != nil {
				return 0, err
			}
		}
	}
	if s.o.EmitDefaults {
		n = s.defaults(p, next, int32(len(p.fields)), depth, n)
	}
	s.runs, s.members = s.runs[:base], s.members[:members]
	return n, nil
}

// gather appends the runs of the fields in the runs from lo to hi, in the order of the
// JSON, and the state of the message's oneofs. Whoever reads that state makes it zero again.
func (s *encoding) gather(p *plan, lo, hi int) error {
	base, members := len(s.runs), len(s.members)
	if members+p.oneofs > maxOpen {
		return s.fault(int(s.runs[lo].start), tooWide)
	}
	s.members = reserve(s.members, p.oneofs)
	sorted := true
	for i := lo; i < hi; i++ {
		ok, err := s.scan(p, int(s.runs[i].start), int(s.runs[i].end), base, members)
		if err != nil {
			return err
		}
		sorted = sorted && ok
	}
	if !sorted {
		s.sort(p, base)
	}
	return nil
}

// defaults prints the fields from one index up to another that have no presence and are
// not there.
func (s *encoding) defaults(p *plan, from, to int32, depth, n int) int {
	for i := from; i < min(to, int32(len(p.fields))); i++ {
		f := p.fields[i]
		if f.presence {
			continue
		}
		s.key(f.key, n, depth)
		n++
		switch {
		case f.shape == listShape:
			s.out = append(s.out, "[]"...)
		case f.shape == mapShape:
			s.out = append(s.out, "{}"...)
		case f.kind == protoreflect.StringKind, f.kind == protoreflect.BytesKind:
			s.out = append(s.out, `""`...)
		default:
			s.scalar(f, f.defaultBits)
		}
	}
	return n
}

// field prints a field that the runs from lo to hi make, and returns the number of fields
// in its object then: a zero without presence is none.
func (s *encoding) field(f *field, lo, hi, depth, n int) (int, error) {
	switch f.shape {
	case messageShape:
		s.key(f.key, n, depth)
		return n + 1, s.message(f.message(), lo, hi, depth+1)
	case listShape:
		s.key(f.key, n, depth)
		return n + 1, s.list(f, lo, hi, depth+1)
	case mapShape:
		s.key(f.key, n, depth)
		return n + 1, s.mapping(f, lo, hi, depth+1)
	}
	r := s.runs[hi-1]
	if f.wire == protowire.BytesType {
		if r.start == r.end && !f.presence && !s.o.EmitDefaults {
			return n, nil
		}
		s.key(f.key, n, depth)
		return n + 1, s.text(f, int(r.start), int(r.end))
	}
	v, _ := s.load(f.kind, int(r.start))
	if v == 0 && !f.presence && !s.o.EmitDefaults {
		return n, nil
	}
	s.key(f.key, n, depth)
	s.scalar(f, v)
	return n + 1, nil
}

// list prints a list whose elements are in the runs from lo to hi.
func (s *encoding) list(f *field, lo, hi, depth int) error {
	s.out = append(s.out, '[')
	n := 0
	for i := lo; i < hi; i++ {
		r := s.runs[i]
		for pos, end := int(r.start), int(r.end); pos < end; {
			at := pos
			tag, value := uvarint(s.wire[:end], pos)
			pos = value
			var err error
			switch {
			case f.wire == protowire.StartGroupType:
				var g group
				if g, err = s.skipGroup(f.num, at, value, end); err != nil {
					return err
				}
				pos = g.after
				s.separate(n, depth)
				err = s.span(f.message(), value, g.content, depth+1)
			case protowire.Type(tag&7) == protowire.BytesType:
				size, from := uvarint(s.wire[:end], value)
				pos = from + int(size)
				if f.packable {
					if n, err = s.packed(f, from, pos, depth, n); err != nil {
						return withinElement(err, n)
					}
					continue
				}
				s.separate(n, depth)
				if f.kind == protoreflect.MessageKind {
					err = s.span(f.message(), from, pos, depth+1)
				} else {
					err = s.text(f, from, pos)
				}
			default:
				s.separate(n, depth)
				var v uint64
				v, pos = s.load(f.kind, value)
				s.scalar(f, v)
			}
			if err != nil {
				return withinElement(err, n)
			}
			n++
			if len(s.out) >= s.flushAt {
				if err := s.flush(); err != nil {
					return err
				}
			}
		}
	}
	s.shut(']', n, depth)
	return nil
}

// packed prints the packed elements in wire[pos:end] of a list that has n already, and
// returns how many it has then.
func (s *encoding) packed(f *field, pos, end, depth, n int) (int, error) {
	for pos < end {
		if s.wire[pos] >= 0x80 || f.wire != protowire.VarintType {
			if skipValue(s.wire[:end], pos, f.wire) < 0 {
				return n, s.fault(pos, "a number is cut off or too long")
			}
		}
		s.separate(n, depth)
		var v uint64
		v, pos = s.load(f.kind, pos)
		s.scalar(f, v)
		n++
		if len(s.out) >= s.flushAt {
			if err := s.flush(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
