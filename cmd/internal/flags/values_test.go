package flags

import (
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"2.5": 2500 * time.Millisecond, "2.5s": 2500 * time.Millisecond, "200ms": 200 * time.Millisecond, "0": 0, "1e-3": time.Millisecond, "1m": time.Minute,
	} {
		var s Seconds
		if err := s.Set(in); err != nil || s.Duration() != want {
			t.Errorf("%q: %v, %v, want %v", in, s.Duration(), err, want)
		}
	}
	for _, in := range []string{"", "soon", "-1", "-1s", "NaN", "Inf", "1e300"} {
		if err := new(Seconds).Set(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]int{"0": 0, "4096": 4096, "4KiB": 4096, "4k": 4096, "64MiB": 64 << 20, "1 GB": 1 << 30, "10b": 10} {
		var s Size
		if err := s.Set(in); err != nil || int(s) != want {
			t.Errorf("%q: %d, %v, want %d", in, s, err, want)
		}
	}
	for _, in := range []string{"", "x", "-1", "2GiB", "1.5k", "99999999999999999999", "4TiB"} {
		if err := new(Size).Set(in); err == nil {
			t.Errorf("%q: no error", in)
		}
	}
}

// Whatever a header flag holds, what comes out is metadata that gRPC takes, and
// an error never shows the value.
