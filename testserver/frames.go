package testserver

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// maxOpening bounds what a client may send before it is known what it speaks, in
// bytes.
const maxOpening = 1 << 20

var errOpening = errors.New("no HTTP/2 that leads to a request")

// An opening is the beginning of a connection, kept for the server that gets it.
//
// Only the first request of a client of HTTP/2 shows whether it speaks gRPC, and many clients
// send none before the server's SETTINGS. So an opening sends empty SETTINGS, and the server
// that gets the connection sends its own after them, which is allowed (RFC 9113, section 6.5).
// The client's acknowledgement of the first ones is removed, since the server does not expect
// it.
type opening struct {
	conn  net.Conn
	kept  []byte // what the server reads first
	acked bool   // the client has acknowledged our SETTINGS
}

// isGRPC reads until it is known whether the client speaks gRPC over HTTP/2.
func (o *opening) isGRPC() (bool, error) {
	for len(o.kept) < len(http2.ClientPreface) {
		before := len(o.kept)
		o.kept = append(o.kept, make([]byte, len(http2.ClientPreface)-before)...)
		n, err := o.conn.Read(o.kept[before:])
		o.kept = o.kept[:before+n]
		if !strings.HasPrefix(http2.ClientPreface, string(o.kept)) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	if err := http2.NewFramer(o.conn, nil).WriteSettings(); err != nil {
		return false, err
	}
	return o.firstRequest()
}

// firstRequest reads frames up to the headers of the first request.
func (o *opening) firstRequest() (grpc bool, err error) {
	decoder := hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		grpc = grpc || f.Name == "content-type" && isGRPC(f.Value)
	})
	for {
		header, payload, err := o.frame()
		if err != nil {
			return false, err
		}
		kind, flags := http2.FrameType(header[3]), http2.Flags(header[4])
		switch kind {
		case http2.FrameSettings:
			if flags.Has(http2.FlagSettingsAck) && !o.acked {
				o.acked = true
				continue
			}
		case http2.FramePing: // a server answers, which this is
			if !flags.Has(http2.FlagPingAck) && len(payload) == 8 {
				if err := http2.NewFramer(o.conn, nil).WritePing(true, [8]byte(payload)); err != nil {
					return false, err
				}
				continue
			}
		case http2.FrameHeaders, http2.FrameContinuation:
			block, ok := fragment(kind, flags, payload)
			if !ok {
				return false, errOpening
			}
			if _, err := decoder.Write(block); err != nil {
				return false, err
			}
		}
		o.kept = append(append(o.kept, header[:]...), payload...)
		if (kind == http2.FrameHeaders || kind == http2.FrameContinuation) && flags.Has(http2.FlagHeadersEndHeaders) {
			return grpc, nil
		}
		if len(o.kept) > maxOpening {
			return false, errOpening
		}
	}
}

// isGRPC reports whether a content type is for grpc-go.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && !strings.HasPrefix(rest, "-web")
}

// frame reads one frame.
func (o *opening) frame() (header [9]byte, payload []byte, err error) {
	if _, err := io.ReadFull(o.conn, header[:]); err != nil {
		return header, nil, err
	}
	n := frameSize(header)
	if n > maxOpening {
		return header, nil, errOpening
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(o.conn, payload)
	return header, payload, err
}

func frameSize(header [9]byte) int { return int(binary.BigEndian.Uint32(header[:4]) >> 8) }

// fragment cuts padding and priority off the block of header fields.
func fragment(kind http2.FrameType, flags http2.Flags, p []byte) ([]byte, bool) {
	if kind == http2.FrameContinuation {
		return p, true
	}
	padding := 0
	if flags.Has(http2.FlagHeadersPadded) {
		if len(p) == 0 {
			return nil, false
		}
		padding, p = int(p[0]), p[1:]
	}
	if flags.Has(http2.FlagHeadersPriority) {
		if len(p) < 5 {
			return nil, false
		}
		p = p[5:]
	}
	if padding > len(p) {
		return nil, false
	}
	return p[:len(p)-padding], true
}

// A replayed is a connection whose first bytes are read again.
type replayed struct {
	net.Conn
	kept []byte
	// Frames are checked until the acknowledgement of our SETTINGS has come.
	watching  bool
	remaining int // bytes left of the payload of the current frame
}

// replay returns the connection for a server.
func (o *opening) replay() net.Conn {
	return &replayed{Conn: o.conn, kept: o.kept, watching: len(o.kept) > len(http2.ClientPreface) && !o.acked}
}

// Read reads for the server.
func (r *replayed) Read(p []byte) (int, error) {
	switch {
	case len(r.kept) > 0:
		n := copy(p, r.kept)
		if r.kept = r.kept[n:]; len(r.kept) == 0 {
			r.kept = nil
		}
		return n, nil
	case !r.watching:
		return r.Conn.Read(p)
	case r.remaining > 0:
		n, err := r.Conn.Read(p[:min(len(p), r.remaining)])
		r.remaining -= n
		return n, err
	}
	var header [9]byte
	if _, err := io.ReadFull(r.Conn, header[:]); err != nil {
		return 0, err
	}
	r.remaining = frameSize(header)
	if http2.FrameType(header[3]) == http2.FrameSettings && http2.Flags(header[4]).Has(http2.FlagSettingsAck) &&
		r.remaining == 0 {
		r.watching = false
		return r.Conn.Read(p)
	}
	r.kept = header[:]
	return r.Read(p)
}
