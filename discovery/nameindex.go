package discovery

import (
	"hash/maphash"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A nameIndex knows which files of a package declare a name, in eight bytes for each name: a hostile
// schema has millions. Two names that have the same 48 bits of hash are taken for one, so that a file
// may be named that declares another name; the seed is the process's own, so that nobody can make such
// names.
type nameIndex struct {
	// runs are sorted, and each is more than twice as long as the next. The upper 48 bits of an entry
	// are of the hash of a name, and the others are the number of its file.
	runs [][]uint64
}

const fileBits = 16 // as many as maxFiles has

var nameSeed = maphash.MakeSeed()

func nameEntry(name protoreflect.Name, file int) uint64 {
	return maphash.String(nameSeed, string(name))<<fileBits | uint64(file)
}

// noteName appends an entry of a file, whose first stands at start. One that is there many times is
// dropped before it takes more memory.
func noteName(entries []uint64, start int, entry uint64) []uint64 {
	const few = 1 << 16
	if tail := entries[start:]; len(entries) == cap(entries) && len(tail) >= few {
		slices.Sort(tail)
		entries = entries[:start+len(slices.Compact(tail))]
	}
	return append(entries, entry)
}

// add takes the entries of more files.
func (x *nameIndex) add(run []uint64) {
	for n := len(x.runs) - 1; n >= 0 && len(x.runs[n]) <= 2*len(run); n-- {
		run = append(run, x.runs[n]...)
		x.runs = x.runs[:n]
	}
	slices.Sort(run)
	run = slices.Compact(run)
	if cap(run) > 2*len(run) {
		run = slices.Clone(run)
	}
	x.runs = append(x.runs, run)
}

// files returns the numbers of the files with a name, in their order.
func (x *nameIndex) files(name protoreflect.Name) []int {
	var files []int
	first, last := nameEntry(name, 0), nameEntry(name, 1<<fileBits-1)
	for _, run := range x.runs {
		from, _ := slices.BinarySearch(run, first)
		for _, entry := range run[from:] {
			if entry > last {
				break
			}
			files = append(files, int(entry-first))
		}
	}
	slices.Sort(files)
	return files
}
