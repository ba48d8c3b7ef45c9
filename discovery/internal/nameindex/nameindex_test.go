package nameindex

import (
	"slices"
	"strconv"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The index has for each name the files that were added with it, in whatever portions they
// were added.
func TestNameIndex(t *testing.T) {
	var index Index
	want := map[protoreflect.Name][]int{}
	file := 0
	for _, portion := range []int{1, 1, 7, 1, 300, 2, 1, 1, 1, 40, 1} {
		var entries []uint64
		for range portion {
			for i := range 1 + file%5 {
				name := protoreflect.Name("N" + strconv.Itoa((file*7+i*13)%97))
				entries = append(entries, NewEntry(name, file), NewEntry(name, file)) // a file may have it twice
				if files := want[name]; !slices.Contains(files, file) {
					want[name] = append(files, file)
				}
			}
			file++
		}
		index.Add(entries)
		for i := range len(index.runs) - 1 {
			if len(index.runs[i]) <= 2*len(index.runs[i+1]) {
				t.Errorf("run %d has %d entries, and the next %d", i, len(index.runs[i]), len(index.runs[i+1]))
			}
		}
		for name, files := range want {
			if got := index.Files(name); !slices.Equal(got, files) {
				t.Errorf("after %d files %s is in %v, want %v", file, name, got, files)
			}
		}
	}
	if got := index.Files("Nowhere"); got != nil {
		t.Errorf("a name that was not added is in %v", got)
	}
}
