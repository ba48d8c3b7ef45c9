package human

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{Count(0, "message"), "0 messages"},
		{Count(1, "message"), "1 message"},
		{Count(2, "message"), "2 messages"},
		{Bytes(10<<10 - 1), "10239 B"},
		{Bytes(10 << 10), "10 KB"},
		{Bytes(10<<20 - 1), "10239 KB"},
		{Bytes(10 << 20), "10 MB"},
		{Duration(999 * time.Millisecond), "999 ms"},
		{Duration(1500 * time.Millisecond), "1.5 s"},
		{Duration(61*time.Second + 300*time.Millisecond), "1m1s"},
		{Millis(1234567 * time.Nanosecond), "1.234 ms"},
		{FirstLine("a\nb"), "a"},
		{FirstLine("a"), "a"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
