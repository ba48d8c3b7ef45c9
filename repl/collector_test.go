package repl

import (
	"strings"
	"testing"
)

// Line by line, a text is complete exactly when all of it up to there is.
func FuzzCollector(f *testing.F) {
	for _, text := range append([]string{"a\n{\n\"x\n\": 1} | cat\nb \\\nc\n", "a 'x\ny' {\n} {\n}\nb", "a | sh -c 'x\ny'\n", "{ // }\n}\n", "{a: \"\\\n\"}\nb", "a #'\nb"}, hostileTexts...) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c Collector
		so := ""
		for line := range strings.Lines(text) {
			so += line
			complete := c.Add(line)
			if want := !Incomplete(strings.TrimSuffix(so, "\n")); complete != want {
				t.Fatalf("%q: %v", so, complete)
			}
			if complete {
				if c.Take() != so {
					t.Fatalf("%q is something else", so)
				}
				so = ""
			}
		}
		if c.Take() != so {
			t.Fatalf("%q is lost", so)
		}
	})
}

// A document of many lines costs no more for each of them.
func TestCollectorIsLinear(t *testing.T) {
	var c Collector
	c.Add("Call {\n")
	for range 200_000 {
		if c.Add("  \"key\": [\"value\", {}],\n") {
			t.Fatal("it is complete")
		}
	}
	if !c.Add("}\n") || len(c.Take()) < 4<<20 {
		t.Error("it is not complete, or not whole")
	}
}
