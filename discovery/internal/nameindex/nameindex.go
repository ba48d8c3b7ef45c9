// Package nameindex records which files of a package declare which names, in little memory.
// The main type is Index.
package nameindex

import (
	"hash/maphash"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// An Index maps names to the numbers of the files that declare them. The zero value is empty.
//
// A hostile schema has millions of names, so each takes eight bytes only. Names with the same
// 48 bits of hash are not told apart: Files may return a file that declares another name. The
// seed of the hash is random, so nobody can make such names.
type Index struct {
	// runs are sorted, and each is more than twice as long as the next. The upper 48 bits of an
	// entry are the hash of a name, and the lower ones are the number of a file.
	runs [][]uint64
}

// FileBits is how many bits the number of a file may have.
const FileBits = 16

var seed = maphash.MakeSeed()

// NewEntry returns the entry of a name that a file declares.
func NewEntry(name protoreflect.Name, file int) uint64 {
	return maphash.String(seed, string(name))<<FileBits | uint64(file)
}

// Append appends an entry of a file to the entries of several. The first entry of that file is
// at start. Duplicates are removed before the slice grows large.
func Append(entries []uint64, start int, entry uint64) []uint64 {
	const few = 1 << 16
	if tail := entries[start:]; len(entries) == cap(entries) && len(tail) >= few {
		slices.Sort(tail)
		entries = entries[:start+len(slices.Compact(tail))]
	}
	return append(entries, entry)
}

// Add adds entries, which the index owns from then on.
func (x *Index) Add(run []uint64) {
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

// Files returns the numbers of the files that declare a name, in ascending order.
func (x *Index) Files(name protoreflect.Name) []int {
	var files []int
	first, last := NewEntry(name, 0), NewEntry(name, 1<<FileBits-1)
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
