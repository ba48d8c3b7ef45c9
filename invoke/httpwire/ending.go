package httpwire

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	connectrpc "connectrpc.com/connect/v2"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
)

// What the parts of an ending cost in memory in addition to their bytes, roughly.
const (
	detailCost = 256
	fieldCost  = 128
)

// An errorBody is the body of a unary call in Connect that failed. The error is read
// here: the library gives up at the first part of it that it does not understand, and
// keeps it in several forms.
type errorBody struct {
	io.ReadCloser
	ex       *exchange
	expander expander
	limit    int64
	rest     []byte // for the library; nil before the error was read
}

// Read reads the error, and returns to the library one that it understands.
func (b *errorBody) Read(p []byte) (int, error) {
	if b.rest == nil {
		text, err := b.expander.expand(nil, b.ReadCloser, b.ex.size, b.limit)
		if err != nil && !errors.As(err, new(*tooLarge)) {
			b.rest = []byte{}
			b.ex.fail(err)
			return 0, err
		}
		status, ok := connectError(text, b.ex.status, b.limit)
		if !ok { // the library reports what is wrong with it
			text = text[:min(len(text), 1)]
		}
		if ok || err != nil {
			b.ex.end(cutStatus(status, err, "error", b.limit))
			text = []byte(`{}`)
		}
		b.rest = text
	}
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// cutStatus completes a status that was read from a text whose reading failed with err: beyond
// its limit the rest of the text is missing.
func cutStatus(s *invoke.Status, err error, part string, limit int64) *invoke.Status {
	if !errors.As(err, new(*tooLarge)) {
		return s
	}
	beyond := &invoke.LimitError{Part: part, Limit: limit}
	if s == nil || s.Code == codes.OK {
		return &invoke.Status{
			Code: codes.ResourceExhausted, Message: beyond.Error(), Origin: invoke.OriginClient,
			Cause: beyond,
		}
	}
	s.Cause = beyond
	return s
}

// endStream reads the last frame of a stream in Connect.
func (b *framedBody) endStream(x expander, r *io.LimitedReader) error {
	limit := max(b.limit, invoke.MaxHeaders)
	text, err := x.expand(nil, r, -1, limit)
	if err != nil && !errors.As(err, new(*tooLarge)) {
		return err
	}
	var status *invoke.Status
	trailer := &fields{room: invoke.MaxHeaders}
	ok := members(text, func(key string, value []byte, whole bool) bool {
		switch key {
		case "error":
			if s := endError(value, whole, limit); s != nil {
				status = s
			}
		case "metadata":
			trailer.read(value)
		}
		return true
	})
	b.ex.trailer = trailer.md
	switch {
	case err != nil:
		b.ex.end(cutStatus(status, err, "end of the stream", limit))
		return err
	case trailer.over:
		b.ex.end(cutStatus(status, &tooLarge{}, "trailers", invoke.MaxHeaders))
	case status != nil:
		b.ex.end(status)
	case r.N > 0: // it was cut off, which the caller reports
	case !json.Valid(text):
		b.ex.fail(errEndNoJSON)
	case !ok:
		b.ex.fail(errEndNoObject)
	}
	b.out = [5]byte{flagEndStream, 0, 0, 0, 2}
	b.remaining = append(b.out[:], "{}"...)
	return nil
}

// Faults of the last frame of a stream in Connect, in which the server may have wanted to say
// that the call failed.
var (
	errEndNoJSON   = errors.New("the end of the stream, as the server sent it, is not valid JSON")
	errEndNoObject = errors.New("the end of the stream, as the server sent it, is no JSON object")
)

// endError returns the error in the end of a stream; nil when the value is missing, or says
// that there is none. A value that cannot be read as an error is still one.
func endError(value []byte, whole bool, limit int64) *invoke.Status {
	s, ok := connectError(value, http.StatusOK, limit)
	switch {
	case ok:
		return s
	case !whole, len(value) == 0, string(value) == "null":
		return nil
	}
	return &invoke.Status{
		Code: codes.Unknown, Message: "the server's error is no JSON object: " + string(value),
		Origin: invoke.OriginServer,
	}
}

// connectError reads an error of Connect
// (https://connectrpc.com/docs/protocol#error-end-stream). It reads each part on its own, so
// that a fault in one does not affect the others. limit bounds the details, in bytes. It
// returns false for a text that is no object.
func connectError(text []byte, httpStatus int, limit int64) (*invoke.Status, bool) {
	s := &invoke.Status{Code: codeOf(httpStatus), Origin: invoke.OriginServer}
	ok := members(text, func(key string, value []byte, whole bool) bool {
		switch key {
		case "code":
			var code connectrpc.Code
			if code.UnmarshalText([]byte(unquoted(value, whole))) == nil && code > 0 {
				s.Code = codes.Code(code)
				if code > connectrpc.CodeUnauthenticated { // Connect has no codes beyond it
					s.Code = codes.Unknown
				}
			}
		case "message":
			s.Message = unquoted(value, whole)
		case "details":
			left := limit
			elements(value, func(detail []byte) bool {
				if left -= int64(len(detail)) + detailCost; left < 0 {
					s.Cause = &invoke.LimitError{Part: "error's details", Limit: limit}
					return false
				}
				s.Details = append(s.Details, detailOf(detail))
				return true
			})
		}
		return true
	})
	return s, ok
}

// detailOf reads a detail. One that cannot be read is kept as text.
func detailOf(text []byte) *anypb.Any {
	d := &anypb.Any{}
	var value []byte
	whole := members(text, func(key string, v []byte, _ bool) bool {
		switch key {
		case "type":
			d.TypeUrl = "type.googleapis.com/" + unquoted(v, true)
		case "value":
			value = v
		}
		return true
	})
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(unquoted(value, true), "="))
	if !whole || d.TypeUrl == "" || err != nil || len(value) > 0 && value[0] != '"' {
		return &anypb.Any{TypeUrl: d.TypeUrl, Value: slices.Clone(text)}
	}
	d.Value = decoded
	return d
}

// codeOf returns the code for an error without a code
// (https://connectrpc.com/docs/protocol#http-to-error-code).
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusBadRequest:
		return codes.Internal
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.Unimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	}
	return codes.Unknown
}

// fields are trailers within a limit of bytes.
type fields struct {
	md   http.Header
	room int64
	over bool // there were more
}

// add adds a field, and reports whether there was room for it.
func (f *fields) add(key, value string) bool {
	if f.room -= int64(len(key)+len(value)) + fieldCost; f.room < 0 {
		f.over = true
		return false
	}
	if f.md == nil {
		f.md = http.Header{}
	}
	f.md.Add(key, value)
	return true
}

// read reads the metadata of Connect, an object of arrays.
func (f *fields) read(text []byte) {
	members(text, func(key string, values []byte, _ bool) bool {
		elements(values, func(v []byte) bool { return f.add(key, unquoted(v, true)) })
		return !f.over
	})
}

// trailers reads the last frame of gRPC-Web, lines as in HTTP/1.1.
func (b *framedBody) trailers(x expander, r io.Reader) error {
	text, err := x.expand(nil, r, -1, invoke.MaxHeaders)
	if err != nil && !errors.As(err, new(*tooLarge)) {
		return err
	}
	if err == nil && bytes.Count(text, []byte{'\n'})*fieldCost <= invoke.MaxHeaders {
		b.out = [5]byte{flagTrailers, 0, byte(len(text) >> 16), byte(len(text) >> 8), byte(len(text))}
		b.remaining = append(b.out[:], text...)
		b.ex.salvage(readLines(text, false).md)
		return nil
	}
	trailer := readLines(text, true)
	b.ex.trailer = trailer.md
	status, _ := trailerStatus(trailer.md)
	b.ex.end(cutStatus(status, &tooLarge{}, "trailers", invoke.MaxHeaders))
	return &tooLarge{limit: invoke.MaxHeaders}
}

// readLines reads lines of "key: value". When the text was cut, it drops the last line, which
// may be incomplete.
func readLines(text []byte, cut bool) *fields {
	f := &fields{room: 2 * invoke.MaxHeaders}
	if !cut {
		f.room = 1 << 62
	}
	lines := bufio.NewReaderSize(bytes.NewReader(text), len(text)+1)
	for {
		line, err := lines.ReadSlice('\n')
		key, value, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), ":")
		if ok && !f.add(strings.TrimSpace(key), strings.TrimSpace(value)) || err != nil {
			return f
		}
	}
}

// trailerStatus reads the status in trailers of gRPC-Web; it is nil where there is none. sound
// reports whether the details can be read; the code and the message count in any case.
func trailerStatus(md http.Header) (s *invoke.Status, sound bool) {
	code, err := strconv.ParseUint(md.Get("grpc-status"), 10, 32)
	if err != nil {
		return nil, true
	}
	s = &invoke.Status{
		Code: codes.Code(code), Message: invoke.DecodeMessage(md.Get("grpc-message")),
		Origin: invoke.OriginServer,
	}
	details := md.Get("grpc-status-details-bin")
	if details == "" {
		return s, true
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "="))
	var p spb.Status
	if err != nil || proto.Unmarshal(decoded, &p) != nil {
		return s, false
	}
	s.Code, s.Message, s.Details = codes.Code(p.GetCode()), p.GetMessage(), p.GetDetails()
	return s, true
}

// salvage ends the call with the status in trailers whose details cannot be read. The library
// would drop all of it.
func (e *exchange) salvage(md http.Header) {
	if s, sound := trailerStatus(md); !sound && s.Code != codes.OK {
		e.end(s)
	}
}
