package repl

import (
	"strings"
	"testing"
	"time"
)

// What anybody can paste is redacted in a time that grows as its length does.
func TestRedactCost(t *testing.T) {
	const n = 20_000
	for _, unit := range []string{"{/*", `"`, `'"`, "a=", `{"a":"`, "| ", "#", "# |", "x: ", "://", "bearer ", `\"`, "{[", "--a=", "-H ", "header ", "a=b&", `{"a":'{"b":`} {
		began := time.Now()
		Redact(strings.Repeat(unit, n), theSecrets())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%q: %s", unit, took)
		} else {
			t.Logf("%q: %s", unit, took)
		}
	}
}
