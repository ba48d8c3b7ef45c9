package testserver

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// scripted is a connection whose client has sent everything.
type scripted struct{ io.Reader }

func (scripted) Write(p []byte) (int, error)      { return len(p), nil }
func (scripted) Close() error                     { return nil }
func (scripted) LocalAddr() net.Addr              { return anyAddr{} }
func (scripted) RemoteAddr() net.Addr             { return anyAddr{} }
func (scripted) SetDeadline(time.Time) error      { return nil }
func (scripted) SetReadDeadline(time.Time) error  { return nil }
func (scripted) SetWriteDeadline(time.Time) error { return nil }

// Whatever a client says, the server that gets the connection reads nothing that was
// not said.
func FuzzOpening(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte(http2.ClientPreface))
	var session bytes.Buffer
	session.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&session, nil)
	for _, err := range []error{
		framer.WriteSettings(), framer.WritePing(false, [8]byte{1}),
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x5f, 16}, PadLength: 2, EndHeaders: true}),
		framer.WriteSettingsAck(), framer.WriteData(1, true, []byte("data")),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	f.Add(session.Bytes())
	f.Fuzz(func(t *testing.T, said []byte) {
		o := &opening{conn: scripted{bytes.NewReader(said)}}
		if _, err := o.isGRPC(); err != nil {
			return
		}
		got, err := io.ReadAll(o.replay())
		if err != nil && len(got) == 0 {
			t.Fatalf("nothing is left of %d bytes: %v", len(said), err)
		}
		for rest := said; len(got) > 0; got = got[1:] { // some frames are left out
			i := bytes.IndexByte(rest, got[0])
			if i < 0 {
				t.Fatalf("%q was not said", got)
			}
			rest = rest[i+1:]
		}
	})
}
