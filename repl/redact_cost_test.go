package repl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/repl"
)

// The time of redacting anything that can be pasted grows with its length.
func TestRedactCost(t *testing.T) {
	const n, times, slack = 1000, 16, 4 // a quadratic one is beyond the slack by as much again
	for _, before := range []string{"", "Call -d '", `Call -d "`} {
		for _, unit := range []string{
			"{/*", `"`, `'"`, "a=", `{"a":"`, "| ", "#", "# |", "x: ", "://", "bearer ", `\"`, "{[", "--a=", "-H ", "-vH", "header ", "a=b&", `{"a":'{"b":`,
			"\n", "a:\n", "password:\n ", "- ", "[a.b]: 1 ", "[a", "a<", "a: <", "> ", "? ", "{}\n", "a {\n", "a: ", "# a\n", "password", "[a]  ",
		} {
			took := func(n int) time.Duration {
				text := before + strings.Repeat(unit, n)
				began := time.Now()
				repl.Redact(text, thePolicy())
				return time.Since(began)
			}
			// On a busy machine one slow run of a few is allowed, and what takes no time has
			// no ratio.
			ok := false
			var short, long time.Duration
			for range 5 {
				short, long = took(n), took(times*n)
				if ok = long <= slack*times*max(short, 2*time.Millisecond); ok {
					break
				}
			}
			if !ok {
				t.Errorf("%q behind %q: %s for %d, %s for %d", unit, before, short, n, long, times*n)
			}
		}
	}
}
