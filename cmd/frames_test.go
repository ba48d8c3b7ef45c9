package cmd_test

import (
	"bytes"
	"io"
	"net"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A framesServer answers every call with HTTP/2 frames that no library would send.
type framesServer struct {
	*http2.Framer
	conn net.Conn
}

// frameAnswers are what a framesServer sends for a call, by name. A true result ends the
// connection.
var frameAnswers = map[string]func(s *framesServer, stream uint32) (over bool){
	// Trailers without a status.
	"nostatus": func(s *framesServer, stream uint32) bool {
		s.headers(stream, false, ":status", "200", "content-type", "application/grpc")
		_ = s.WriteData(stream, false, grpcFrame(0, "\x0a\x02hi", 4))
		s.headers(stream, true, "x-trailer", "yes")
		return false
	},
	// Half a message, and then a status as if it had been whole.
	"cut": func(s *framesServer, stream uint32) bool {
		s.headers(stream, false, ":status", "200", "content-type", "application/grpc")
		_ = s.WriteData(stream, false, grpcFrame(0, "\x0a\x02", 100))
		s.headers(stream, true, "grpc-status", "0", "x-trailer", "yes")
		return false
	},
	// A message that is not compressed as it says, with a status behind it.
	"notgzip": func(s *framesServer, stream uint32) bool {
		s.headers(stream, false, ":status", "200", "content-type", "application/grpc", "grpc-encoding", "gzip")
		_ = s.WriteData(stream, false, grpcFrame(1, "nonsense", 8))
		s.headers(stream, true, "grpc-status", "0", "grpc-message", "all%20is%20well")
		return false
	},
	// A status that says UNKNOWN and nothing else.
	"unknown": func(s *framesServer, stream uint32) bool {
		s.headers(stream, true, ":status", "200", "content-type", "application/grpc", "grpc-status", "2", "x-trailer", "yes")
		return false
	},
	"calm": func(s *framesServer, stream uint32) bool {
		_ = s.WriteRSTStream(stream, http2.ErrCodeEnhanceYourCalm)
		return false
	},
	"refusing": func(s *framesServer, stream uint32) bool {
		_ = s.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
		return false
	},
	"goaway": func(s *framesServer, stream uint32) bool {
		_ = s.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, []byte("too many\x1b[2J calls a minute"))
		return true
	},
	"pings": func(s *framesServer, stream uint32) bool { // grpc-go has a line of its own for these words
		_ = s.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
		return true
	},
	"leaving": func(s *framesServer, stream uint32) bool {
		_ = s.WriteGoAway(stream, http2.ErrCodeNo, []byte("going down at noon"))
		return true
	},
	"protocol": func(s *framesServer, stream uint32) bool { // DATA of a stream that nobody opened
		_ = s.WriteData(stream+10, false, []byte("x"))
		_ = s.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31})
		return false
	},
	"http503": func(s *framesServer, stream uint32) bool {
		s.headers(stream, true, ":status", "503", "content-type", "text/html")
		return false
	},
	"control": func(s *framesServer, stream uint32) bool {
		const evil = "a\x1b]0;t\x07b\u009bc\u202ed\u2066e"
		s.headers(stream, false, ":status", "200", "content-type", "application/grpc", "x-bidi", "\u202eabc")
		_ = s.WriteData(stream, false, grpcFrame(0, "\x0a"+string(rune(len(evil)))+evil, len(evil)+2))
		s.headers(stream, true, "grpc-status", "9", "grpc-message", "%1B[2J%C2%9Bx%E2%80%AEy")
		return false
	},
}

// grpcFrame is a message as gRPC frames it, with a length that may be another.
func grpcFrame(flag byte, msg string, length int) []byte {
	return append([]byte{flag, 0, 0, byte(length >> 8), byte(length)}, msg...)
}

func (s *framesServer) headers(stream uint32, end bool, fields ...string) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; i < len(fields); i += 2 {
		_ = encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true}) // never indexed
	}
	_ = s.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: end})
}

// serveFrames starts such a server. Errors of writing mean that the client has left.
func serveFrames(ts *testscript.TestScript, l net.Listener, kind string) {
	answer, ok := frameAnswers[kind]
	if !ok {
		ts.Fatalf("no frames %q", kind)
	}
	ts.Defer(func() { l.Close() })
	go accept(l, func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		s := &framesServer{Framer: http2.NewFramer(c, c), conn: c}
		_ = s.WriteSettings()
		for {
			f, err := s.ReadFrame()
			if err != nil {
				return
			}
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					_ = s.WriteSettingsAck()
				}
			case *http2.PingFrame:
				if !f.IsAck() {
					_ = s.WritePing(true, f.Data)
				}
			case *http2.DataFrame:
				if f.StreamEnded() && answer(s, f.StreamID) {
					return
				}
			}
		}
	})
}
