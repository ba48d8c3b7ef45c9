package yamlbound

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/parser"
)

// usual are bounds like those of messages.
func usual() Limits { return Limits{Depth: 1000, Marks: 150_000, Keys: 10_000} }

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "key%d: v\n", i)
	}
	return b.String()
}

func TestBounds(t *testing.T) {
	few := Limits{Depth: 5, Marks: 1000, Keys: 10}
	for _, tt := range []struct {
		name, text, want string
		limits           Limits
	}{
		{"plain", "a:\n  b: [1, {c: d}]\n  e:\n  - f: 1\n    g: 2\n", "", few},
		{"keys", keys(20), "mappings of more than 10 keys are too long", few},
		{"keys of many small mappings", strings.Repeat("- a: 1\n  b: 2\n  c: 3\n", 30), "", Limits{Depth: 5, Marks: 1000, Keys: 30}},
		{"keys of flow mappings", "[" + strings.Repeat("{a: 1, b: 2}, ", 50) + "]", "", few},
		{"dashes on a line", strings.Repeat("- ", 10) + "x", "nesting deeper than 5 is too deep", few},
		{"dashes on lines", "-\n -\n  -\n   -\n    -\n     - x\n", "nesting deeper than 5 is too deep", few},
		{"mappings", "a:\n b:\n  c:\n   d:\n    e:\n     f: 1\n", "nesting deeper than 5 is too deep", few},
		{"brackets", "[[[[[[", "nesting deeper than 5 is too deep", few},
		{"tags", "!a !a !a !a !a !a x", "nesting deeper than 5 is too deep", few},
		{"keys with question marks", "? ? ? ? ? ? x", "nesting deeper than 5 is too deep", few},
		{"commas", "[" + strings.Repeat(",", 2000), "YAML of more than 1000 parts is too long", few},
		{"keys without values", "{" + strings.Repeat("a, b:, ? c, ", 20) + "}", "more than 10 keys without a value are too many", few},
		{"mappings of a key", "[" + strings.Repeat("{a}, ", 20) + "]", "more than 10 keys without a value are too many", few},
		{"lists in a flow", "{a: [" + strings.Repeat("b, ", 20) + "], " + strings.Repeat("c: {}, d: [e], f: 'g', ", 20) + "}", "", few},
		{"a long text", strings.Repeat("abc ", 5000), "", few},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if _, f := Tokenize([]byte(tt.text), tt.limits); f != nil {
				got = f.Problem
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// What is within bounds takes a bounded time and memory to parse, whatever its form.
func TestWithinBoundsIsSoonParsed(t *testing.T) {
	for name, text := range map[string]string{
		"keys":       keys(9_000),
		"list":       strings.Repeat("- a\n", 70_000),
		"flow":       "[" + strings.Repeat("a,", 140_000) + "]",
		"dashes":     strings.Repeat("- ", 900) + "x",
		"brackets":   strings.Repeat("[", 900) + strings.Repeat("]", 900),
		"nulls":      strings.Repeat("a:\n-\n", 20_000),
		"quotes":     strings.Repeat("- ''\n", 35_000),
		"comments":   strings.Repeat("#\n", 70_000),
		"tags":       strings.Repeat("- !t x\n", 45_000),
		"anchors":    strings.Repeat("- &a x\n- *a\n", 20_000),
		"flow map":   "{" + strings.Repeat("a: b,", 70_000) + "}",
		"flow nulls": "{" + strings.Repeat("a:,", 70_000) + "}",
		"flow keys":  "{" + strings.Repeat("a,", 140_000) + "}",
		"flow marks": "{" + strings.Repeat("? a,", 70_000) + "}",
		"list nulls": strings.Repeat("-\n", 70_000),
		"map nulls":  strings.Repeat("a:\n", 9_000),
		"many maps":  strings.Repeat("-\n"+strings.Repeat("  a: b\n", 1000), 30),
		"commented":  strings.Repeat("# c\na: b # d\n", 9_000),
		"empties":    strings.Repeat("? \n", 70_000),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			tokens, f := Tokenize([]byte(text), usual())
			if f == nil {
				_, _ = parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
			}
			runtime.ReadMemStats(&after)
			if took := time.Since(begun); took > time.Minute {
				t.Error("it took", took)
			}
			if all := (after.TotalAlloc - before.TotalAlloc) >> 20; all > 400 {
				t.Errorf("%d MiB were allocated", all)
			}
		})
	}
}
