package input

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The memory of prototext's values is bounded by what they are and not by their text.
func TestTextIsBounded(t *testing.T) {
	s := loadSchema(t)
	const problem = "prototext whose values take more than 128 MiB is too long; JSON may be longer"
	for name, text := range map[string]string{
		"messages": strings.Repeat("l{}", 300_000), "others": strings.Repeat("l<>", 300_000), "numbers": strings.Repeat("u:0 ", 3_000_000),
		"a list": "u:[" + strings.Repeat("0,", 3_000_000), "a text in parts": "id:" + strings.Repeat("''", 3_000_000),
		"behind a comment": "# it's {\n" + strings.Repeat("l{}", 300_000),
	} {
		t.Run(name, func(t *testing.T) {
			o := s.options()
			o.Format = FormatText
			_, err := decodeDocument([]byte(text), "-d", o)
			var bad *Error
			if !errors.As(err, &bad) || bad.Faults[0].Problem != problem || bad.Faults[0].Offset == 0 {
				t.Errorf("got %.200v, want %s", err, problem)
			}
		})
	}
	for name, text := range map[string]string{
		"braces in a text": "id: '" + strings.Repeat("{:,<\\'", 300_000) + "'", "braces in comments": strings.Repeat("# {{{{\n", 300_000),
		"a long text": `id: "` + strings.Repeat("x", 60<<20) + `"`,
	} {
		if f := boundText([]byte(text)); f != nil {
			t.Errorf("%s: %s", name, f.Problem)
		}
	}
}

// Waiting for a long document ends with the context, and it is returned later all the same.
func TestSlowText(t *testing.T) {
	s := loadSchema(t)
	var text strings.Builder
	text.WriteString("id: 'x'\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "labels{key:'k%d' value:'v'}\n", i)
	}
	o := s.options()
	o.Format, o.Stdin = FormatText, &endsWith{strings.NewReader(text.String()), make(chan struct{})}
	src, err := New(parts("-"), o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-o.Stdin.(*endsWith).ended
		cancel()
	}()
	if _, err := src.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want that it was left", err)
	}
	wire, err := src.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := s.show(t, wire); !strings.HasPrefix(got, `{"id":"x","labels":{"k0":"v"`) {
		t.Errorf("got %.60s", got)
	}
}
