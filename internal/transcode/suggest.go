package transcode

import "strings"

// Bounds on looking for the nearest name: schemas come from the other side.
const (
	maxCandidates = 1000
	maxName       = 64
)

// nearest returns the name of p's field that name is most like, or "".
func (p *plan) nearest(name string) string {
	under := strings.Contains(name, "_")
	return nearestName(name, len(p.fields), func(i int) string {
		if under {
			return p.fields[i].name
		}
		return p.fields[i].json
	})
}

// nearestName returns which of n candidates name is most like, or "": the same but for
// case and underscores, or a slip or two away.
func nearestName(name string, n int, candidate func(int) string) string {
	if name == "" || len(name) > maxName {
		return ""
	}
	n = min(n, maxCandidates)
	folded := fold(name)
	best, least := "", len(name)/3+1
	for i := range n {
		c := candidate(i)
		if len(c) > maxName {
			continue
		}
		low := fold(c)
		if low == folded {
			return c
		}
		if d := Distance(folded, low, least); d < least || d == least && best == "" && d < len(low) {
			best, least = c, d
		}
	}
	return best
}

func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// Distance returns how many slips turn a into b, where a slip is a letter too many, one
// missing, a wrong one, or two neighbours swapped; past limit, and for longer
// names than any schema should have, it may return limit+1.
func Distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(b) > 2*maxName {
		return limit + 1
	}
	var rows [3][2*maxName + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			d := last[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
