// Package nearest finds the names that a mistyped name may have been meant for. The main
// functions are Names, which searches full names, and Distance, which compares two words.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// The bounds of a search. Names come from outside and may be long and many.
const (
	maxLength     = 128     // bytes of a name that are compared
	maxCandidates = 200_000 // candidates that are compared
)

// Names returns at most max of the candidates that are near to a mistyped name, the nearest
// first. A candidate is compared as a whole and by its last part, which follows the last dot
// or slash; the smaller distance counts. Case does not matter.
//
// Two names are near when their distance is at most a third of the shorter one's length. The
// last parts of names that are compared as a whole may differ in half of their length but no
// more: otherwise a long package would make everything in it look alike.
func Names(name string, candidates []string, max int) []string {
	type hit struct {
		name     string
		distance int
		whole    bool
	}
	want := newComparedName(name)
	if want.full == "" || max <= 0 {
		return nil
	}
	var hits []hit
	whole := false
	for _, c := range candidates[:min(len(candidates), maxCandidates)] {
		h := hit{name: c}
		if h.distance, h.whole = want.distance(newComparedName(c)); h.distance >= 0 {
			hits = append(hits, h)
			whole = whole || h.whole
		}
	}
	// When the typed name has a package that some candidate nearly matches, only
	// candidates of that package are meant.
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

// A comparedName is a name in the form that is compared: lower case, with dots as the only
// separator.
type comparedName struct{ full, last string }

func newComparedName(s string) comparedName {
	s = strings.ToLower(strings.ReplaceAll(s[:min(len(s), maxLength)], "/", "."))
	s = strings.Trim(s, ".")
	return comparedName{full: s, last: s[strings.LastIndexByte(s, '.')+1:]}
}

// distance returns the distance of two names, doubled so that a match of the whole names wins
// over an equal match of their last parts, or -1 when they are not near. It also reports
// whether the whole names are near.
func (n comparedName) distance(c comparedName) (best int, whole bool) {
	best = -1
	near := func(a, b string, share int) (int, bool) {
		limit := max(1, min(len(a), len(b))/share)
		d := Distance(a, b, limit)
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
	// The typed name may be the beginning of a longer one: Get of GetOrder.
	if len(n.last) >= 3 && strings.HasPrefix(c.last, n.last) {
		if d := 2*(len(n.last)/3) + 1; best < 0 || d < best {
			best = d
		}
	}
	return best, whole
}

// Distance returns the number of edits that turn a into b. An edit inserts, removes or changes
// one byte, or swaps two neighbouring bytes. When the number is greater than limit, or when a
// name is longer than 128 bytes, Distance returns limit+1.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || max(len(a), len(b)) > maxLength {
		return limit + 1
	}
	var rows [3][maxLength + 1]int
	before, above, here := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
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
			return limit + 1
		}
		before, above, here = above, here, before
	}
	return min(above[len(b)], limit+1)
}
