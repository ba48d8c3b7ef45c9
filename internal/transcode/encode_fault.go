package transcode

import (
	"errors"
	"strconv"
	"strings"
)

const (
	tooDeep = "messages nest deeper than 10000"
	tooWide = "messages with very many fields nest too deep"
)

// maxOpen is how many oneofs all open messages may have together: a few bytes for each level
// would otherwise take memory for all oneofs of its type. One message has fewer.
const maxOpen = 2 << 20

// reserve makes state, which is zero past its length, longer by n zero elements. Types may
// have tens of thousands of oneofs, and a message of a few bytes should not cost as much as
// all of them: so whoever is done with a message sets only the elements to zero that it has
// changed.
func reserve[T any](state []T, n int) []T {
	long := len(state) + n
	if long <= cap(state) {
		return state[:long]
	}
	grown := make([]T, long, max(long, 2*cap(state)))
	copy(grown, state)
	return grown
}

// A wireFault is a WireError on its way to the caller: each level that it passes adds its
// place.
type wireFault struct {
	offset  int
	problem string
	path    []string // the innermost first
	more    bool     // the outer levels were too many to keep
}

func (e *wireFault) Error() string { return e.problem }

func (s *encoding) fault(offset int, problem string) error {
	return &wireFault{offset: offset, problem: problem}
}

// within adds the field f to the path of err.
func within(err error, f *field) error { return inside(err, f.name) }

// withinElement adds the element i of a list to the path of err.
func withinElement(err error, i int) error { return inside(err, "["+strconv.Itoa(i)+"]") }

// withinEntry adds a map's key to the path of err.
func withinEntry(err error, key string) error { return inside(err, "["+key+"]") }

func inside(err error, seg string) error {
	var f *wireFault
	if errors.As(err, &f) {
		if len(f.path) >= maxPath {
			f.more = true
		} else {
			f.path = append(f.path, seg)
		}
	}
	return err
}

// located turns a wireFault into the error that callers see, and leaves others as they are.
func located(err error) error {
	var f *wireFault
	if !errors.As(err, &f) {
		return err
	}
	var b strings.Builder
	if f.more {
		b.WriteString("…")
	}
	for i := len(f.path) - 1; i >= 0; i-- {
		seg := f.path[i]
		if b.Len() > 0 && seg[0] != '[' {
			b.WriteByte('.')
		}
		b.WriteString(seg)
	}
	return &WireError{Offset: f.offset, Path: b.String(), Problem: f.problem}
}
