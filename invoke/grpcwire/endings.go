package grpcwire

import (
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// An ending is the block of header fields with which a server ended a call, as far as grpc-go
// does not report it.
type ending struct {
	length          int // of the HEADERS frame, in bytes, as grpc-go counts it
	keys            map[string]int
	status, message string // as sent; "" when there was none
	hasStatus       bool
}

// says reports whether a status is what the server sent. When it sent details, these contain
// the message, which may differ from that in its own field.
func (e *ending) says(s *invoke.Status) bool {
	n, err := strconv.ParseInt(e.status, 10, 32)
	return e.hasStatus && err == nil && uint32(n) == uint32(s.Code) &&
		(e.keys["grpc-status-details-bin"] > 0 || invoke.DecodeMessage(e.message) == s.Message)
}

// endings are what was received on the connections of a Transport and grpc-go does not report:
// which fields ended a call, and why a server closed the connection.
//
// grpc-go makes a status when the server sent none, and callers cannot distinguish the two. So
// the frames are read as they come in, before grpc-go gets them.
type endings struct {
	mu      sync.Mutex
	kept    []*ending // in the order in which they came
	goAway  string    // the last one's text
	goneFor http2.ErrCode
	gone    bool
	beyond  *ending // a block greater than the limit, as far as it was read
}

// maxEndings is how many are kept for calls that never take theirs, since they were given up.
// grpc-go reads no more than that at once.
const maxEndings = 4096

// begin forgets what does not concern a new connection.
func (e *endings) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.beyond = nil
	if e.goneFor == http2.ErrCodeNo { // servers close connections so all the time, and calls go on over others
		e.gone = false
	}
}

func (e *endings) add(one *ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.kept) == maxEndings {
		e.kept = append(e.kept[:0], e.kept[1:]...)
	}
	e.kept = append(e.kept, one)
}

// take returns the ending that has the length and the metadata which grpc-go reports, or nil.
func (e *endings) take(length int, md map[string][]string) *ending {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, one := range e.kept {
		if one.length == length && one.has(md) {
			e.kept = slices.Delete(e.kept, i, i+1)
			return one
		}
	}
	return nil
}

func (e *ending) has(md map[string][]string) bool {
	for key, values := range md {
		if e.keys[key] != len(values) {
			return false
		}
	}
	return true
}

// A frameWatch reads the frames of one connection, in the pieces in which they arrive. At
// anything that it does not understand it stops for good: then grpc-go's account counts.
type frameWatch struct {
	to        *endings
	header    [9]byte
	n         int // bytes of header that are there
	remaining int // bytes of the payload that are to come
	keep      bool
	body      []byte  // of a frame that is kept
	open      bool    // a block has begun and not ended
	fields    int     // of the block
	size      int     // of its fields, as HTTP/2 counts it
	block     *ending // for a block that ends its stream; nil for others
	hpack     *hpack.Decoder
	whole     bool // there was a frame
	blind     bool
}

// What is kept of a block of fields.
const (
	maxBlock  = invoke.MaxHeaders        // bytes of a frame, and of a field
	maxFields = invoke.MaxHeaders/32 + 1 // each counts for at least 32 bytes (RFC 9113, section 6.5.2)
)

// see processes bytes that were read.
func (w *frameWatch) see(p []byte) {
	for len(p) > 0 && !w.blind {
		if w.remaining == 0 {
			n := copy(w.header[w.n:], p)
			p = p[n:]
			if w.n += n; w.n == len(w.header) {
				w.begin()
			}
			continue
		}
		n := min(w.remaining, len(p))
		if w.keep {
			w.body = append(w.body, p[:n]...)
		}
		p = p[n:]
		if w.remaining -= n; w.remaining == 0 {
			w.end()
		}
	}
}

// begin decides what to do with a frame when its header is complete.
func (w *frameWatch) begin() {
	w.n, w.remaining = 0, int(binary.BigEndian.Uint32(w.header[:4])>>8)
	switch http2.FrameType(w.header[3]) {
	case http2.FrameHeaders, http2.FrameContinuation, http2.FrameGoAway:
		w.keep, w.blind = true, w.remaining > maxBlock
		w.body = w.body[:0]
	case http2.FramePushPromise: // it changes the table of fields, and a client of gRPC allows none
		w.blind = true
	default:
		w.keep = false
	}
	if w.remaining == 0 {
		w.end()
	}
}

// end processes a frame that is complete.
func (w *frameWatch) end() {
	w.whole = true
	if !w.keep {
		return
	}
	flags := http2.Flags(w.header[4])
	switch http2.FrameType(w.header[3]) {
	case http2.FrameGoAway:
		w.goAway()
		return
	case http2.FrameHeaders:
		body, ok := unpadded(flags, w.body)
		if !ok {
			w.blind = true
			return
		}
		w.open, w.fields, w.size, w.block = true, 0, 0, nil
		if flags.Has(http2.FlagHeadersEndStream) {
			w.block = &ending{length: len(w.body)}
		}
		w.body = body
	}
	if !w.open {
		w.blind = true
		return
	}
	if w.hpack == nil {
		w.hpack = hpack.NewDecoder(4096, w.field)
		w.hpack.SetMaxStringLength(maxBlock)
	}
	if _, err := w.hpack.Write(w.body); err != nil || w.fields > maxFields {
		w.blind = true
		if errors.Is(err, hpack.ErrStringLength) {
			w.to.cutAt(w.block)
		}
		return
	}
	if flags.Has(http2.FlagHeadersEndHeaders) {
		w.open = false
		w.blind = w.hpack.Close() != nil || w.fields > maxFields
		if w.block != nil && !w.blind {
			w.to.add(w.block)
		}
	}
}

// field records one field of a block that ends a stream. Fields of other blocks are read, too,
// since they change the table that later blocks refer to.
func (w *frameWatch) field(f hpack.HeaderField) {
	e := w.block
	w.fields++
	if w.size += int(f.Size()); w.size > invoke.MaxHeaders {
		w.to.cutAt(e)
	}
	if e == nil || w.fields > maxFields {
		return
	}
	switch f.Name {
	case "grpc-status":
		e.status, e.hasStatus = f.Value, true
	case "grpc-message":
		e.message = f.Value
	default:
		if e.keys == nil { // most have only the two fields above
			e.keys = map[string]int{}
		}
		e.keys[strings.Clone(f.Name)]++
	}
}

// goAway keeps the message of a server that closes the connection (RFC 9113, section 6.8).
func (w *frameWatch) goAway() {
	if len(w.body) < 8 {
		return
	}
	w.to.mu.Lock()
	defer w.to.mu.Unlock()
	w.to.gone, w.to.goneFor = true, http2.ErrCode(binary.BigEndian.Uint32(w.body[4:8]))
	w.to.goAway = string(w.body[8:min(len(w.body), 8+maxGoAway)])
}

// maxGoAway is how much of that message is kept, in bytes.
const maxGoAway = 1 << 10

// cutAt keeps a block that is greater than the limit. The block is nil for one that does
// not end its stream.
func (e *endings) cutAt(block *ending) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.beyond = block; block == nil {
		e.beyond = &ending{}
	}
}

// cut returns the block that was greater than the limit, nil when there was none. The caller
// owns it.
func (e *endings) cut() *ending {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.beyond == nil {
		return nil
	}
	one := *e.beyond
	return &one
}

// last takes the last ending that no call has taken; nil where there is none.
func (e *endings) last() *ending {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := len(e.kept)
	if n == 0 {
		return nil
	}
	one := e.kept[n-1]
	e.kept = e.kept[:n-1]
	return one
}

// lastWords returns the message of a server that closed a connection; nil when none did.
func (e *endings) lastWords() *connect.EndedError {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.gone {
		return nil
	}
	return &connect.EndedError{Code: e.goneFor.String(), GoAway: true, Text: e.goAway}
}

// unpadded cuts padding and priority off a block of header fields (RFC 9113, section 6.2).
func unpadded(flags http2.Flags, p []byte) ([]byte, bool) {
	padding, skip := 0, 0
	if flags.Has(http2.FlagHeadersPadded) {
		if len(p) == 0 {
			return nil, false
		}
		padding, skip = int(p[0]), 1
	}
	if flags.Has(http2.FlagHeadersPriority) {
		skip += 5
	}
	if skip+padding > len(p) {
		return nil, false
	}
	return p[skip : len(p)-padding], true
}
