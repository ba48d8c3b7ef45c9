package transcode

import (
	"bytes"
	"hash/maphash"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// An entry is one entry of a map: its key, a number or the place of a string, and the
// place of its value.
type entry struct {
	key        uint64
	start, end uint32
	what       entryValue
}

type entryValue uint8

const (
	noValue    entryValue = iota // the key stands alone; the value is its type's zero
	oneValue                     // the value is at start, to end
	partsValue                   // the entry is at start, to end, and its value, a message, is in parts
)

// mapping prints a map whose entries are in the runs from lo to hi, in their order. An entry
// with the key of an earlier one replaces that.
func (s *encoding) mapping(f *field, lo, hi, depth int) error {
	if n := s.entriesIn(lo, hi); n > manyEntries {
		return s.largeMapping(f, lo, hi, depth, n)
	}
	base := len(s.entries)
	s.keys.reset()
	for i := lo; i < hi; i++ {
		r := s.runs[i]
		for pos, end := int(r.start), int(r.end); pos < end; {
			_, pos = uvarint(s.wire[:end], pos)
			size, from := uvarint(s.wire[:end], pos)
			pos = from + int(size)
			e, err := s.entry(f, from, pos)
			if err != nil {
				return err
			}
			if at := s.find(f, base, e.key); at >= 0 {
				s.entries[base+at] = e
				continue
			}
			s.entries = append(s.entries, e)
		}
	}
	s.out = append(s.out, '{')
	n := 0
	for i, end := base, len(s.entries); i < end; i++ {
		if err := s.mapEntry(f, s.entries[i], n, depth); err != nil {
			return err
		}
		n++
	}
	s.entries = s.entries[:base]
	s.shut('}', n, depth)
	return nil
}

// mapEntry prints the entry number n of a map.
func (s *encoding) mapEntry(f *field, e entry, n, depth int) error {
	s.separate(n, depth)
	if err := s.mapKey(f.mapKey, e.key); err != nil {
		return err
	}
	s.out = append(s.out, ':')
	if s.spaced {
		s.out = append(s.out, ' ')
	}
	if err := s.mapValue(f.mapValue, e, depth); err != nil {
		return withinEntry(err, s.keyText(f.mapKey, e.key))
	}
	if len(s.out) >= s.flushAt {
		return s.flush()
	}
	return nil
}

// entry reads the map entry wire[pos:end].
func (s *encoding) entry(f *field, pos, end int) (entry, error) {
	var e entry
	whole := run{start: uint32(pos), end: uint32(end)}
	b := s.wire[:end]
	for pos < end {
		at := pos
		tag, value := uvarint(b, pos)
		num, wt := protowire.Number(tag>>3), protowire.Type(tag&7)
		if value < 0 || tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return e, s.fault(at, "a map entry's tag is cut off or cannot be")
		}
		var stop int
		if wt == protowire.StartGroupType {
			g, err := s.skipGroup(num, at, value, end)
			if err != nil {
				return e, err
			}
			pos, stop = g.after, g.content
		} else {
			if pos = skipValue(b, value, wt); pos < 0 {
				return e, s.fault(at, "a value is cut off or has a wire type that cannot be")
			}
			stop = pos
		}
		if wt == protowire.BytesType {
			_, value = uvarint(b, value)
		}
		switch {
		case num == 1 && wt == f.mapKey.wire:
			if wt == protowire.BytesType {
				e.key = uint64(value)<<32 | uint64(stop)
			} else {
				e.key, _ = s.load(f.mapKey.kind, value)
			}
		case num == 2 && wt == f.mapValue.wire:
			if e.what != noValue && f.mapValue.shape == messageShape {
				e.what, e.start, e.end = partsValue, whole.start, whole.end
				continue
			}
			e.what, e.start, e.end = oneValue, uint32(value), uint32(stop)
		}
	}
	return e, nil
}

// mapKey prints a map's key, which is always a string in JSON.
func (s *encoding) mapKey(f *field, key uint64) error {
	if f.kind == protoreflect.StringKind {
		if err := s.text(f, int(key>>32), int(uint32(key))); err != nil {
			return inside(err, "[key]")
		}
		return nil
	}
	s.out = s.appendKey(s.out, f, key)
	return nil
}

// keyText returns a map's key in quotes, cut short where it is long.
func (s *encoding) keyText(f *field, key uint64) string {
	return string(s.appendKey(nil, f, key))
}

// appendKey appends what keyText returns.
func (s *encoding) appendKey(out []byte, f *field, key uint64) []byte {
	out = append(out, '"')
	switch f.kind {
	case protoreflect.StringKind:
		start, end := int(key>>32), int(uint32(key))
		out, _ = appendText(out, s.wire[start:min(end, start+maxQuoted)])
	case protoreflect.BoolKind:
		out = strconv.AppendBool(out, key != 0)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		out = strconv.AppendUint(out, key, 10)
	default:
		out = strconv.AppendInt(out, int64(key), 10)
	}
	return append(out, '"')
}

// mapValue prints the value of an entry.
func (s *encoding) mapValue(f *field, e entry, depth int) error {
	switch {
	case f.shape == messageShape && e.what == partsValue:
		base := len(s.runs)
		if err := s.parts(f, int(e.start), int(e.end)); err != nil {
			return err
		}
		err := s.message(f.message(), base, len(s.runs), depth+1)
		s.runs = s.runs[:base]
		return err
	case f.shape == messageShape:
		return s.span(f.message(), int(e.start), int(e.end), depth+1)
	case f.wire == protowire.BytesType:
		return s.text(f, int(e.start), int(e.end))
	case e.what == noValue:
		s.scalar(f, f.defaultBits)
		return nil
	}
	v, _ := s.load(f.kind, int(e.start))
	s.scalar(f, v)
	return nil
}

// parts appends the runs of an entry's value, a message that comes in parts.
func (s *encoding) parts(f *field, pos, end int) error {
	b := s.wire[:end]
	for pos < end {
		at := pos
		tag, value := uvarint(b, pos)
		num, wt := protowire.Number(tag>>3), protowire.Type(tag&7)
		stop := 0
		if wt == protowire.StartGroupType {
			g, err := s.skipGroup(num, at, value, end)
			if err != nil {
				return err
			}
			pos, stop = g.after, g.content
		} else {
			pos = skipValue(b, value, wt)
			stop = pos
		}
		if num == 2 && wt == f.wire {
			if wt == protowire.BytesType {
				_, value = uvarint(b, value)
			}
			s.runs = append(s.runs, run{start: uint32(value), end: uint32(stop)})
		}
	}
	return nil
}

// A keySet finds an entry by its key among those of one map. Up to a handful it looks at each;
// past that it keeps a hash table. Its seed is random: keys come from outside.
type keySet struct {
	table []int32 // position + 1; a power of two long
	used  int
	seed  maphash.Seed
}

// fewKeys is how many keys are compared one by one.
const fewKeys = 8

func (k *keySet) reset() { k.used = 0 }

// sow makes the seed, the first time.
func (k *keySet) sow() {
	if k.seed == (maphash.Seed{}) {
		k.seed = maphash.MakeSeed()
	}
}

// find returns the place, from base, of the entry that has the key, or -1; the caller
// then appends the entry.
func (s *encoding) find(f *field, base int, key uint64) int {
	text := f.mapKey.kind == protoreflect.StringKind
	all := s.entries[base:]
	if len(all) < fewKeys {
		for i := range all {
			if sameKey(s.wire, text, all[i].key, key) {
				return i
			}
		}
		return -1
	}
	k := &s.keys
	if k.used == 0 || 2*(k.used+1) > len(k.table) {
		s.rehash(text, all)
	}
	for i := s.keys.hash(s.wire, text, key); ; i++ {
		slot := &k.table[i&uint64(len(k.table)-1)]
		if *slot == 0 {
			*slot = int32(len(all)) + 1
			k.used++
			return -1
		}
		if at := int(*slot) - 1; sameKey(s.wire, text, all[at].key, key) {
			return at
		}
	}
}

// rehash makes a table of all entries, with room for as many again.
func (s *encoding) rehash(text bool, all []entry) {
	k := &s.keys
	k.sow()
	size := 64
	for size < 4*(len(all)+1) {
		size *= 2
	}
	if cap(k.table) < size {
		k.table = make([]int32, size)
	}
	k.table = k.table[:size]
	clear(k.table)
	k.used = len(all)
	for at := range all {
		i := s.keys.hash(s.wire, text, all[at].key)
		for k.table[i&uint64(size-1)] != 0 {
			i++
		}
		k.table[i&uint64(size-1)] = int32(at) + 1
	}
}

// hash returns the hash of a key: its value, or where it stands in the encoded bytes when it is text.
func (k *keySet) hash(encoded []byte, text bool, key uint64) uint64 {
	if text {
		return maphash.Bytes(k.seed, encoded[key>>32:uint32(key)])
	}
	return maphash.Comparable(k.seed, key)
}

// sameKey reports whether two keys, as hash takes them, are the same.
func sameKey(encoded []byte, text bool, a, b uint64) bool {
	if text {
		return bytes.Equal(encoded[a>>32:uint32(a)], encoded[b>>32:uint32(b)])
	}
	return a == b
}
