package transcode

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A run is a range of the encoded bytes that belongs to a field: the value of a scalar, the
// content of one occurrence of a message, or several occurrences of a list or map that follow
// one another, with their tags.
type run struct {
	field      int32
	start, end uint32
}

// maxRuns is how many runs are held, of 12 bytes each. A list whose elements follow one
// another is one run, so only messages that are made for it have so many.
const maxRuns = 4 << 20

// A member is the state of one oneof in one message: which field was read last, and the start
// of the run of its occurrences that no other member interrupts.
type member struct {
	field int32 // index + 1; 0: none
	since uint32
}

// scan reads the fields in wire[pos:end] and appends their runs. It reports whether they,
// with those since base, are in the order of the JSON. It is the hot path of encoding:
// what it does for each field is in its loop or small enough to be inlined there.
func (s *encoding) scan(p *plan, pos, end, base, members int) (sorted bool, err error) {
	b := s.wire[:end]
	sorted = true
	last := lastField(s.runs[base:])
	for pos < end {
		start := pos
		var tag uint64
		if isSmall(b, pos) {
			tag = uint64(b[pos])
			pos++
		} else if tag, pos = uvarint(b, pos); pos < 0 {
			return false, s.fault(start, "a field's tag is cut off")
		}
		num, wt := protowire.Number(tag>>3), protowire.Type(tag&7)
		if tag>>3-1 >= uint64(protowire.MaxValidNumber) { // 0 wraps around
			return false, s.fault(start, "a field has a number that cannot be")
		}
		value, endTag := pos, 0
		switch wt {
		case protowire.VarintType:
			if isSmall(b, pos) {
				pos++
			} else if _, pos = uvarint(b, pos); pos < 0 {
				return false, s.fault(start, "a number is cut off or too long")
			}
		case protowire.Fixed32Type:
			pos += 4
		case protowire.Fixed64Type:
			pos += 8
		case protowire.BytesType:
			var n uint64
			if isSmall(b, pos) {
				n = uint64(b[pos])
				pos++
			} else if n, pos = uvarint(b, pos); pos < 0 {
				return false, s.fault(start, "a length is cut off or too long")
			}
			value = pos
			pos += int(min(n, uint64(len(b)))) // beyond end if n is too great
		default:
			if pos, endTag, err = s.skipOther(num, wt, start, pos, end); err != nil {
				return false, err
			}
		}
		if pos > end {
			return false, s.fault(start, "a value is longer than what is left of the message")
		}
		f := p.small(num)
		if f == nil {
			if f = p.byNumber(num); f == nil {
				continue
			}
		}
		if wt != f.wire && !f.takesPacked(wt, value == pos) {
			continue
		}
		if f.oneof >= 0 {
			s.members[members+int(f.oneof)].set(f.index+1, uint32(start))
		}
		r := run{f.index, uint32(value), uint32(pos - endTag)}
		if f.shape >= listShape {
			r.start, r.end = uint32(start), uint32(pos)
		}
		if f.index == last && s.runs[len(s.runs)-1].extend(f.shape, r) {
			continue
		}
		sorted = sorted && p.follows(last, f.index)
		last = f.index
		if len(s.runs) == maxRuns {
			return false, s.fault(start, Scattered)
		}
		s.runs = append(s.runs, r)
	}
	return sorted, nil
}

// isSmall reports whether the varint at pos is one byte long, as most are.
func isSmall(b []byte, pos int) bool {
	return pos < len(b) && b[pos] < 0x80
}

// lastField returns the index of the field of the last run, or -1 without runs.
func lastField(runs []run) int32 {
	if len(runs) == 0 {
		return -1
	}
	return runs[len(runs)-1].field
}

// skipOther returns the end of a value whose wire type scan does not read itself and, for a
// group, the length of its end tag.
func (s *encoding) skipOther(
	num protowire.Number, wt protowire.Type, start, pos, end int,
) (after, endTag int, err error) {
	if wt != protowire.StartGroupType {
		return 0, 0, s.fault(start, "a field has a wire type that cannot be")
	}
	g, err := s.skipGroup(num, start, pos, end)
	return g.after, g.after - g.content, err
}

// extend adds the run next to r, of the same field, if both can be one: elements of a list
// or map that follow one another, and a scalar, of which the last counts.
func (r *run) extend(sh shape, next run) bool {
	if sh >= listShape && r.end == next.start {
		r.end = next.end
		return true
	}
	if sh == scalarShape {
		*r = next
		return true
	}
	return false
}

// set notes a field, by index + 1, as the last that was read.
func (m *member) set(field int32, start uint32) {
	if m.field != field {
		*m = member{field, start}
	}
}

// sort puts the runs since base into the order of the JSON, and those of each field into the
// order of their positions.
func (s *encoding) sort(p *plan, base int) {
	runs := s.runs[base:]
	if len(runs) > 64 {
		slices.SortFunc(runs, func(a, b run) int {
			if a.field != b.field {
				return p.compare(a.field, b.field)
			}
			return cmp.Compare(a.start, b.start)
		})
		return
	}
	// The runs are few and mostly in order; those of one field already are.
	plain := int32(len(p.fields))
	for i := 1; i < len(runs); i++ {
		r := runs[i]
		j := i
		for j > 0 && runs[j-1].field != r.field {
			if r.field < plain && runs[j-1].field < r.field || r.field >= plain &&
				p.compare(runs[j-1].field, r.field) < 0 {
				break
			}
			runs[j] = runs[j-1]
			j--
		}
		runs[j] = r
	}
}

// longGroup is the length in bytes from which the end of a group inside another is
// remembered. Without that, each level of a deep nest would be read again for each level
// above it.
const longGroup = 256

// A group is where a group's content ends and where its end tag ends.
type group struct{ content, after int }

// skipGroup returns the ends of the group num whose tag is at start and whose content
// begins at pos.
func (s *encoding) skipGroup(num protowire.Number, start, pos, end int) (group, error) {
	if g, ok := s.groups[start]; ok {
		return g, nil
	}
	b := s.wire[:end]
	base := len(s.open)
	s.open = append(s.open, int(num), start)
	defer func() { s.open = s.open[:base] }()
	for {
		at := pos
		var tag uint64
		if tag, pos = uvarint(b, pos); pos < 0 {
			return group{}, s.fault(start, "a group does not end")
		}
		num, wt := tag>>3, protowire.Type(tag&7)
		// Like protobuf-go: the content of a known group is checked later.
		if num == 0 || num > math.MaxInt32 {
			return group{}, s.fault(at, "a field has a number that cannot be")
		}
		switch wt {
		case protowire.StartGroupType:
			if g, ok := s.groups[at]; ok {
				pos = g.after
				continue
			}
			if len(s.open)-base > 2*maxDepth {
				return group{}, s.fault(at, tooDeep)
			}
			s.open = append(s.open, int(num), at)
			continue
		case protowire.EndGroupType:
			top := len(s.open) - 2
			if s.open[top] != int(num) {
				return group{}, s.fault(at, "a group ends that was not begun")
			}
			from := s.open[top+1]
			s.open = s.open[:top]
			if top == base {
				return group{at, pos}, nil
			}
			if pos-from >= longGroup {
				if s.groups == nil {
					s.groups = make(map[int]group)
				}
				s.groups[from] = group{at, pos}
			}
			continue
		}
		if pos = skipValue(b, pos, wt); pos < 0 {
			return group{}, s.fault(at, "a value is cut off or has a wire type that cannot be")
		}
	}
}

// skipValue returns the place after the value of the given type at pos, or -1 when there
// is none. It does not know groups.
func skipValue(b []byte, pos int, wt protowire.Type) int {
	switch wt {
	case protowire.VarintType:
		_, pos = uvarint(b, pos)
	case protowire.Fixed32Type:
		pos += 4
	case protowire.Fixed64Type:
		pos += 8
	case protowire.BytesType:
		n, to := uvarint(b, pos)
		if to < 0 || n > uint64(len(b)-to) {
			return -1
		}
		pos = to + int(n)
	default:
		return -1
	}
	if pos > len(b) {
		return -1
	}
	return pos
}

// uvarint reads a varint at pos and returns the place after it, or -1 when it is cut off
// or does not fit 64 bits.
func uvarint(b []byte, pos int) (uint64, int) {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		if uint(pos) >= uint(len(b)) {
			return 0, -1
		}
		c := b[pos]
		pos++
		if c < 0x80 {
			if shift == 63 && c > 1 {
				return 0, -1
			}
			return v | uint64(c)<<shift, pos
		}
		v |= uint64(c&0x7f) << shift
	}
	return 0, -1
}
