package httpwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// whole is how many bytes of a body come before the first message beyond a limit.
func whole(body []byte, limit int) (n int, cut bool) {
	for at := 0; len(body)-at >= 5; {
		size := int(binary.BigEndian.Uint32(body[at+1:]))
		if size > limit {
			return at, true
		}
		at += 5 + size
		if at > len(body) {
			break
		}
	}
	return len(body), false
}

// However the bytes arrive, all before a message that is too large comes through,
// and of it no more than a part of its prefix.
func FuzzFramedBody(f *testing.F) {
	message := append([]byte{0, 0, 0, 0, 3}, "abc"...)
	f.Add([]byte{}, 10, false)
	f.Add(append(message, message...), 10, true)
	f.Add(append(append([]byte{}, message...), 0, 0xff, 0xff, 0xff, 0xff, 1), 10, false)
	f.Add([]byte{0x80, 0, 0, 0, 11}, 10, true)
	f.Fuzz(func(t *testing.T, body []byte, limit int, slowly bool) {
		limit &= 1<<20 - 1
		source := io.Reader(bytes.NewReader(body))
		if slowly {
			source = iotest.OneByteReader(source)
		}
		var refused *tooLarge
		b := &framedBody{ReadCloser: io.NopCloser(source), limit: int64(limit), refuse: func(e *tooLarge) { refused = e }}
		got, err := io.ReadAll(b)
		want, cut := whole(body, limit)
		if cut != (refused != nil) || cut != errors.As(err, new(*tooLarge)) || err != nil && !cut {
			t.Fatalf("refused %v, error %v; want cut %v", refused, err, cut)
		}
		if len(got) < want || len(got) > want+4 || !bytes.Equal(got, body[:len(got)]) {
			t.Fatalf("%d bytes came through, want %d to %d", len(got), want, want+4)
		}
	})
}
