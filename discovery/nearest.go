package discovery

import (
	"cmp"
	"slices"
	"strings"
)

// The bounds of a search for near names, which work on names from outside.
const (
	maxNearName       = 128     // bytes of a name that are compared
	maxNearCandidates = 200_000 // names that are looked at
)

// Nearest returns at most max of the candidates that are near to a mistyped
// name, the nearest first. A candidate is compared as a whole and by its last
// part (after a dot or slash), whichever is nearer, without regard to case. Near
// is what is a third of its length away, and the last parts of two whole names
// half of theirs, lest a long package make everything in it look alike.
func Nearest(name string, candidates []string, max int) []string {
	type hit struct {
		name     string
		distance int
		whole    bool
	}
	want := newNearName(name)
	if want.full == "" || max <= 0 {
		return nil
	}
	var hits []hit
	var row []int
	whole := false
	for _, c := range candidates[:min(len(candidates), maxNearCandidates)] {
		h := hit{name: c}
		if h.distance, h.whole, row = want.distance(newNearName(c), row); h.distance >= 0 {
			hits = append(hits, h)
			whole = whole || h.whole
		}
	}
	// Who gave a package that leads somewhere means that package.
	if whole && want.full != want.last {
		hits = slices.DeleteFunc(hits, func(h hit) bool { return !h.whole })
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var near []string
	for _, h := range hits {
		if len(near) == max {
			break
		}
		if !slices.Contains(near, h.name) {
			near = append(near, h.name)
		}
	}
	return near
}

// nearName is a name as it is compared: in lower case, with one separator.
type nearName struct{ full, last string }

func newNearName(s string) nearName {
	s = strings.ToLower(strings.ReplaceAll(s[:min(len(s), maxNearName)], "/", "."))
	s = strings.Trim(s, ".")
	return nearName{full: s, last: s[strings.LastIndexByte(s, '.')+1:]}
}

// distance returns how far two names are apart, doubled so that a match of the
// whole name wins over an equal one of the last part, or -1 when they are not
// near; and whether the whole names are. The row is scratch space.
func (n nearName) distance(c nearName, row []int) (best int, whole bool, scratch []int) {
	best = -1
	near := func(a, b string, share int) (int, bool) {
		limit := max(1, min(len(a), len(b))/share)
		var d int
		d, row = editDistance(a, b, limit, row)
		return d, d <= limit
	}
	if _, ok := near(n.last, c.last, 2); ok {
		if d, ok := near(n.full, c.full, 3); ok {
			best, whole = 2*d, true
		}
	}
	if d, ok := near(n.last, c.last, 3); ok && (best < 0 || 2*d+1 < best) {
		best = 2*d + 1
	}
	// A name that goes on where the typed one stops: Get for GetOrder.
	if len(n.last) >= 3 && strings.HasPrefix(c.last, n.last) {
		if d := 2*(len(n.last)/3) + 1; best < 0 || d < best {
			best = d
		}
	}
	return best, whole, row
}

// editDistance counts the insertions, removals, changes and swaps of neighbours
// that lead from a to b, by bytes. It gives up with limit+1 as soon as the limit
// is passed.
func editDistance(a, b string, limit int, row []int) (int, []int) {
	if abs(len(a)-len(b)) > limit {
		return limit + 1, row
	}
	n := len(b) + 1
	if cap(row) < 3*n {
		row = make([]int, 3*n)
	}
	before, above, here := row[:n], row[n:2*n], row[2*n:3*n]
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		here[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(above[j]+1, here[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			here[j] = d
			least = min(least, d)
		}
		if least > limit {
			return limit + 1, row
		}
		before, above, here = above, here, before
	}
	return above[len(b)], row
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
