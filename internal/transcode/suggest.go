package transcode

import (
	"strings"

	"github.com/rpcctl/rpcctl/internal/nearest"
)

// Bounds on looking for the nearest name: schemas come from outside.
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
		if d := nearest.Distance(folded, low, least); d < least || d == least && best == "" && d < len(low) {
			best, least = c, d
		}
	}
	return best
}

func fold(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}
