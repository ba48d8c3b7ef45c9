package transcode

import (
	"bytes"
	"hash/maphash"
)

// A keyIndex finds a key among those of one map that is being read: beyond a handful, by a
// hash table. Its seed is random, since keys come from outside.
type keyIndex struct {
	table []int32 // position among the map's keys + 1; a power of two long
	used  int     // keys in the table; 0: it is not in use
	last  uint64  // the slot that was filled last
	seed  maphash.Seed
}

// hasKey reports whether the key, which is part of out, is among the map's keys, which are
// those since base. Otherwise it adds the key, whose span the caller must correct when the key
// moves.
func (s *decoding) hasKey(base int, key outSpan) bool {
	all := s.keys[base:]
	text := s.out[key.start:key.end]
	s.keys = append(s.keys, key)
	if len(all) < fewKeys {
		for _, k := range all {
			if bytes.Equal(s.out[k.start:k.end], text) {
				return true
			}
		}
		return false
	}
	x := &s.sets[s.maps-1]
	if x.used == 0 || 2*(x.used+1) > len(x.table) {
		x.fill(s.out, all)
	}
	mask := uint64(len(x.table) - 1)
	for i := maphash.Bytes(x.seed, text); ; i++ {
		slot := &x.table[i&mask]
		if *slot == 0 {
			*slot = int32(len(all)) + 1
			x.used++
			x.last = i & mask
			return false
		}
		if at := int(*slot) - 1; at < len(all) && bytes.Equal(s.out[all[at].start:all[at].end], text) {
			return true
		}
	}
}

// forgetKey takes back the last key that hasKey added to the innermost map.
func (s *decoding) forgetKey() {
	s.keys = s.keys[:len(s.keys)-1]
	// No key was added after it, so none was placed behind its slot.
	if x := &s.sets[s.maps-1]; x.used > 0 && x.used > len(s.keys) {
		x.used--
		x.table[x.last] = 0
	}
}

// shrink drops a table that is large: as many maps may be open inside each other, each with a
// table.
func (x *keyIndex) shrink() {
	if len(x.table) > maxKept/4 {
		x.table = nil
	}
}

// fill makes a table of all keys, with room for as many again.
func (x *keyIndex) fill(out []byte, all []outSpan) {
	if x.seed == (maphash.Seed{}) {
		x.seed = maphash.MakeSeed()
	}
	size := 64
	for size < 4*len(all) {
		size *= 2
	}
	if cap(x.table) < size {
		x.table = make([]int32, size)
	}
	x.table = x.table[:size]
	clear(x.table)
	x.used = len(all)
	for at, k := range all {
		i := maphash.Bytes(x.seed, out[k.start:k.end])
		for x.table[i&uint64(size-1)] != 0 {
			i++
		}
		x.table[i&uint64(size-1)] = int32(at) + 1
	}
}
