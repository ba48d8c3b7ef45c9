package transcode

import "google.golang.org/protobuf/reflect/protoreflect"

// manyEntries is the greatest number of entries of a map that are kept as they were read. Of a
// larger map only the positions are kept: there may be millions in one message.
const manyEntries = 1 << 17

// entriesIn returns how many entries there are in the runs from lo to hi: the exact number
// when there may be many, and else 0.
func (s *encoding) entriesIn(lo, hi int) int {
	size := 0
	for _, r := range s.runs[lo:hi] {
		size += int(r.end - r.start)
	}
	if size < 2*manyEntries { // of two bytes at least
		return 0
	}
	n := 0
	for _, r := range s.runs[lo:hi] {
		for pos, end := int(r.start), int(r.end); pos < end; n++ {
			_, pos = uvarint(s.wire[:end], pos)
			pos = s.past(pos)
		}
	}
	return n
}

// past returns the end of the entry whose length is at the given place.
func (s *encoding) past(at int) int {
	size, from := uvarint(s.wire, at)
	return from + int(size)
}

// entryAt reads the entry whose length is at the given place.
func (s *encoding) entryAt(f *field, at uint32) (entry, error) {
	size, from := uvarint(s.wire, int(at))
	return s.entry(f, from, from+int(size))
}

// largeMapping is mapping for many entries, in a few bytes for each: it reads an entry again
// whenever it needs it. The runs from lo to hi have count entries.
func (s *encoding) largeMapping(f *field, lo, hi, depth, count int) error {
	places, err := s.places(f, lo, hi, count)
	if err != nil {
		return err
	}
	s.out = append(s.out, '{')
	for n, at := range places {
		e, err := s.entryAt(f, at)
		if err != nil {
			return err
		}
		if err := s.mapEntry(f, e, n, depth); err != nil {
			return err
		}
	}
	s.shut('}', len(places), depth)
	return nil
}

// places returns the positions of a map's entries, one for each key.
func (s *encoding) places(f *field, lo, hi, count int) ([]uint32, error) {
	places := make([]uint32, 0, count)
	size := manyEntries
	for size < count+count/2 {
		size *= 2
	}
	s.keys.sow()
	table := make([]int32, size)
	turn := 0 // nothing is printed here
	for i := lo; i < hi; i++ {
		r := s.runs[i]
		for pos, end := int(r.start), int(r.end); pos < end; {
			_, at := uvarint(s.wire[:end], pos)
			pos = s.past(at)
			e, err := s.entryAt(f, uint32(at))
			if err != nil {
				return nil, err
			}
			if turn++; turn%turnsPerLook == 0 && s.ctx.Err() != nil {
				return nil, s.ctx.Err()
			}
			slot := s.slot(f, table, e.key, places)
			if *slot > 0 {
				places[*slot-1] = uint32(at)
				continue
			}
			places = append(places, uint32(at))
			*slot = int32(len(places))
		}
	}
	return places, nil
}

// slot returns the slot of the entry that has a key, or the empty slot for the key.
func (s *encoding) slot(f *field, table []int32, key uint64, places []uint32) *int32 {
	text := f.mapKey.kind == protoreflect.StringKind
	for i := s.keys.hash(s.wire, text, key); ; i++ {
		slot := &table[i&uint64(len(table)-1)]
		if *slot == 0 {
			return slot
		}
		if e, _ := s.entryAt(f, places[*slot-1]); sameKey(s.wire, text, e.key, key) { // it was read before
			return slot
		}
	}
}
