package formatters

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
)

// A deadline that passes while JSON is made of a long response ends that.
func TestMakingDocumentsEnds(t *testing.T) {
	filter, err := ParseFilter(".name")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]error{10: nil, memory.PieceSize: context.DeadlineExceeded} {
		m := message(t, dish(t), "")
		m.Wire = bytes.Repeat(message(t, dish(t), `tags: ""`).Wire, n)
		err = NewProgram(&Options{Filter: filter, FilterTime: time.Nanosecond}).Read(m)
		if !errors.Is(err, want) || want != nil && !errors.As(err, new(*FilterError)) {
			t.Errorf("%d tags: got %v, want %v", n, err, want)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	filter, err := ParseFilter(".name")
	if err != nil {
		b.Fatal(err)
	}
	f, err := New(NDJSON, io.Discard, Options{Filter: filter})
	if err != nil {
		b.Fatal(err)
	}
	e := response(message(b, dish(b), `name: "soup" price_cents: 5 tags: ["a", "b"] side { pieces: 1 } heat: HEAT_HOT`), 0)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Event(e); err != nil {
			b.Fatal(err)
		}
	}
}

// A long result is never in memory as a whole, and a failure in it is an error all the same.
func TestLongResult(t *testing.T) {
	for program, want := range map[string]string{"[range(700000)]": "", "[range(700000)], (reduce range(2000) as $i (0; [.]) | [[range(700000)], .])": "nests deeper"} {
		filter, err := ParseFilter(program)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		f, err := New(NDJSON, &out, Options{Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		err = f.Event(response(message(t, dish(t), ``), 0))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", program, err, want)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(out.String(), "\n")
		if !strings.HasPrefix(first, "[0,1,2,") || !strings.HasSuffix(first, ",699999]") || !strings.HasSuffix(out.String(), "\n") {
			t.Errorf("%s: %d bytes, which end in %q", program, len(first), first[max(0, len(first)-20):])
		}
		if n := cap(f.(*jqFormatter).out.Held()); n > batch.KeepSize {
			t.Errorf("%s: %d bytes are kept", program, n)
		}
	}
}
