package transcode

import (
	"cmp"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A run is a place on the wire that belongs to a field: the value of a scalar, the content
// of one occurrence of a message, or several occurrences of a list or map, one right after
// another, with their tags.
type run struct {
	field      int32
	start, end uint32
}

// maxRuns is how many runs are held, 12 bytes each. Whoever writes a list writes its elements
// one after another, which are one run, so that only what is made for it has so many.
const maxRuns = 4 << 20

// A member is the state of one oneof in one message: which field was met last, and where
// the run of its occurrences begins that no other member interrupts.
type member struct {
	field int32 // index + 1; 0: none
	since uint32
}

// scan reads the fields in wire[pos:end] and appends their runs. It reports whether they,
// with those since base, are in the order of the JSON. It reads well whole: the loop is
// the hot path, and every branch of it is a wire type.
func (s *encoding) scan(p *plan, pos, end, base, members int) (sorted bool, err error) {
	b := s.wire[:end]
	sorted = true
	last := int32(-1)
	if len(s.runs) > base {
		last = s.runs[len(s.runs)-1].field
	}
	for pos < end {
		start := pos
		var tag uint64
		if tag = uint64(b[pos]); tag < 0x80 {
			pos++
		} else if tag, pos = uvarint(b, pos); pos < 0 {
			return false, s.fault(start, "a field's tag is cut off")
		}
		num := protowire.Number(tag >> 3)
		if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return false, s.fault(start, "a field has a number that cannot be")
		}
		value, stop := pos, 0
		switch wt := protowire.Type(tag & 7); wt {
		case protowire.VarintType:
			if pos < end && b[pos] < 0x80 {
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
			if pos < end && b[pos] < 0x80 {
				n = uint64(b[pos])
				pos++
			} else if n, pos = uvarint(b, pos); pos < 0 {
				return false, s.fault(start, "a length is cut off or too long")
			}
			if n > uint64(end-pos) {
				return false, s.fault(start, "a value is longer than what is left of the message")
			}
			value = pos
			pos += int(n)
		case protowire.StartGroupType:
			var g group
			if g, err = s.skipGroup(num, start, pos, end); err != nil {
				return false, err
			}
			stop, pos = g.content, g.after
		default:
			return false, s.fault(start, "a field has a wire type that cannot be")
		}
		if pos > end {
			return false, s.fault(start, "a value is longer than what is left of the message")
		}
		var f *field
		if int(num) < len(p.dense) {
			f = p.dense[num]
		}
		if f == nil {
			if f = p.byNumber(num); f == nil {
				continue
			}
		}
		if wt := protowire.Type(tag & 7); wt != f.wire {
			// Both packed and not packed are taken, whatever the declaration; any other
			// wire type makes an unknown field.
			if !f.packable || wt != protowire.BytesType || value == pos {
				continue
			}
		}
		if f.oneof >= 0 {
			if m := &s.members[members+int(f.oneof)]; m.field != f.index+1 {
				*m = member{f.index + 1, uint32(start)}
			}
		}
		if stop == 0 {
			stop = pos
		}
		n := len(s.runs)
		switch {
		case f.shape >= listShape:
			if f.index == last && s.runs[n-1].end == uint32(start) {
				s.runs[n-1].end = uint32(pos)
				continue
			}
			value, stop = start, pos
		case f.shape == scalarShape && f.index == last:
			s.runs[n-1].start, s.runs[n-1].end = uint32(value), uint32(pos)
			continue
		}
		if f.index < last || int(f.index) > len(p.fields) {
			sorted = false
		}
		if last = f.index; n == maxRuns {
			return false, s.fault(start, Scattered)
		}
		s.runs = append(s.runs, run{f.index, uint32(value), uint32(stop)})
	}
	return sorted, nil
}

// sort puts the runs since base into the order of the JSON, each field's by their place.
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
	// Few runs, most of them in order; those of one field are, by their place.
	plain := int32(len(p.fields))
	for i := 1; i < len(runs); i++ {
		r := runs[i]
		j := i
		for j > 0 && runs[j-1].field != r.field {
			if r.field < plain && runs[j-1].field < r.field || r.field >= plain && p.compare(runs[j-1].field, r.field) < 0 {
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
		// As protobuf-go does: what a known group holds is looked at more closely later.
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
