package httpwire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

// messages returns the messages of a body before its end, before a message beyond the limit,
// or before a frame of another kind.
func messages(body []byte, limit int) (all [][]byte, refused bool) {
	for len(body) >= 5 && body[0] == 0 {
		size := int(binary.BigEndian.Uint32(body[1:]))
		if size > limit {
			return all, true
		}
		if len(body) < 5+size {
			break
		}
		all = append(all, body[5:5+size])
		body = body[5+size:]
	}
	return all, false
}

// However the bytes arrive, each message before the end comes through whole, and one
// that is too large is refused.
func FuzzFramedBody(f *testing.F) {
	message := append([]byte{0, 0, 0, 0, 3}, "abc"...)
	f.Add([]byte{}, 10, false)
	f.Add(append(message, message...), 10, true)
	f.Add(append(append([]byte{}, message...), 0, 0xff, 0xff, 0xff, 0xff, 1), 10, false)
	f.Add([]byte{0x80, 0, 0, 0, 11}, 10, true)
	f.Add(append([]byte{2, 0, 0, 0, 27}, `{"error":{"code":"aborted"}`...), 10, true)
	f.Fuzz(func(t *testing.T, body []byte, limit int, slowly bool) {
		limit &= 1<<20 - 1
		source := io.Reader(bytes.NewReader(body))
		if slowly {
			source = iotest.OneByteReader(source)
		}
		ex := &exchange{in: &incoming{}}
		b := newFramedBody(io.NopCloser(source), ex, expander{}, limit)
		want, refused := messages(body, limit)
		for i, w := range want {
			var prefix [5]byte
			if _, err := io.ReadFull(b, prefix[:]); err != nil || prefix != [5]byte{} || !bytes.Equal(ex.in.wire, w) {
				t.Fatalf("message %d: prefix %v, error %v, %q; want %q", i, prefix, err, ex.in.wire, w)
			}
		}
		_, err := io.Copy(io.Discard, b)
		if refused && (!errors.As(err, new(*tooLarge)) || ex.ending.Load().Code != codes.ResourceExhausted) {
			t.Fatalf("a message beyond the limit: %v", err)
		}
	})
}

// Whatever a server sends for an error of Connect, reading it ends, and nothing of a valid
// error is lost.
func FuzzConnectError(f *testing.F) {
	f.Add(`{"code":"aborted","message":"a \"b\" \u00e4","details":[{"type":"a.B","value":"AQI"}]}`)
	f.Add(`{"code":5,"message":["x"],"details":[{"value":"%"},7,{"type":"a.B"}]`)
	f.Add(`{"message":"cut\ud83d`)
	f.Add("{\"message\":\"cut \xe2\x82")
	f.Add("{\"message\":\"\x8b\x8b\"}")
	f.Add(` { "metadata" : { "a" : [ "b" , "c" ] } , "error" : { "code" : "internal" } } `)
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := connectError([]byte(text), 500, 1<<20)
		(&fields{room: invoke.MaxHeaders}).read([]byte(text))
		var want struct {
			Message *string `json:"message"`
		}
		if json.Unmarshal([]byte(text), &want) != nil || want.Message == nil || strings.Count(strings.ToLower(text), "message") != 1 {
			return // keys are matched regardless of case there, and the last one counts
		}
		// It has one sign for bytes that are not UTF-8, where the other has one for each.
		one := func(text string) string { return regexp.MustCompile("\uFFFD+").ReplaceAllString(text, "\uFFFD") }
		if strings.Contains(text, `"message"`) && (!ok || one(s.Message) != one(*want.Message)) {
			t.Errorf("message %q, want %q", s.Message, *want.Message)
		}
	})
}

func TestConnectErrors(t *testing.T) {
	for name, test := range map[string]struct {
		text    string
		code    codes.Code
		message string
		details int
	}{
		"sound":              {`{"code":"aborted","message":"m","details":[{"type":"a.B","value":"AQI"}]}`, codes.Aborted, "m", 1},
		"value not base64":   {`{"code":"aborted","message":"m","details":[{"type":"a.B","value":"%"}]}`, codes.Aborted, "m", 1},
		"value no string":    {`{"code":"aborted","message":"m","details":[{"type":"a.B","value":7}]}`, codes.Aborted, "m", 1},
		"details no array":   {`{"code":"aborted","message":"m","details":"x"}`, codes.Aborted, "m", 0},
		"detail no object":   {`{"details":[null,3],"code":"aborted","message":"m"}`, codes.Aborted, "m", 2},
		"code unknown":       {`{"code":"tired","message":"m"}`, codes.Unavailable, "m", 0},
		"code a number":      {`{"code":5,"message":"m"}`, codes.Unavailable, "m", 0},
		"message a number":   {`{"code":"aborted","message":5}`, codes.Aborted, "5", 0},
		"cut in the message": {`{"code":"aborted","message":"half of i`, codes.Aborted, "half of i", 0},
		"cut in an escape":   {`{"code":"aborted","message":"half \u00`, codes.Aborted, "half ", 0},
		"cut in a detail":    {`{"code":"aborted","message":"m","details":[{"type":"a.B","value":"AQI"},{"ty`, codes.Aborted, "m", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, ok := connectError([]byte(test.text), 503, 1<<20)
			if !ok || s.Code != test.code || s.Message != test.message || len(s.Details) != test.details || s.Origin != invoke.OriginServer {
				t.Errorf("%v %+v", ok, s)
			}
		})
	}
	if _, ok := connectError([]byte("<html>"), 503, 1<<20); ok {
		t.Error("HTML was taken for an error")
	}
}
