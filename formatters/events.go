package formatters

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// An eventFormatter prints every event as one line of JSON, each in one write at
// once, so that a program can follow a call and drive it. A very large message is
// written in pieces.
//
// Event lines have no colours, whatever the options say: they are for programs.
type eventFormatter struct {
	out      *batch.Writer
	o        Options
	encoders encoders
	requests encoders
	// Fields that are left out of messages: those that the schema declares secret, and in
	// requests those with a secret name too. Everything else in a response was asked for.
	responseFields, requestFields *secret.Stripper

	opened time.Time
	last   time.Duration // the time in the line before
}

func newEvents(w io.Writer, o Options) (Formatter, error) {
	o.Live = true
	f := &eventFormatter{out: batch.New(w, o.Live), o: o}
	f.encoders, f.requests = encoders{o: &f.o}, encoders{o: &f.o}
	f.responseFields = &secret.Stripper{Secret: secret.Declared, Types: known{f.o.Types}}
	f.requestFields = RequestStripper(&f.o)
	return f, nil
}

// Event prints an event. The end of a call has two lines, trailers and status; without a
// status when a request made the call fail, since no server sent one.
func (f *eventFormatter) Event(e *invoke.Event) error {
	switch e.Kind {
	case invoke.Opened:
		f.opened, f.last = e.At, 0
		return f.line(e, "request", func(b []byte) ([]byte, error) { return f.request(b, e), nil })
	case invoke.RequestSent:
		return f.line(e, "sent", func(b []byte) ([]byte, error) { return f.sent(f.numbered(b, e), e), nil })
	case invoke.RequestsDone:
		return f.line(e, "half-close", nil)
	case invoke.HeadersReceived:
		return f.line(e, "headers", func(b []byte) ([]byte, error) { return f.headers(b, e), nil })
	case invoke.ResponseReceived:
		wire, removed := f.responseFields.Strip(e.Message.Desc, e.Message.Wire)
		if len(wire) >= memory.PieceSize {
			return f.large(e, wire, removed)
		}
		return f.line(e, "message", func(b []byte) ([]byte, error) {
			b, err := f.encoders.of(e.Message).Append(append(f.numbered(b, e), `,"message":`...), wire)
			return appendRedacted(b, removed), faulty(e, err)
		})
	}
	if len(e.Metadata) > 0 {
		if err := f.line(e, "trailers", f.metadata(e.Metadata)); err != nil {
			return err
		}
	}
	if e.Abandoned != nil || e.Status == nil {
		return nil
	}
	return f.line(e, "status", func(b []byte) ([]byte, error) { return f.status(b, e.Status), nil })
}

// An Undecoded is a Formatter that can show a message that cannot be decoded.
type Undecoded interface {
	Formatter
	// Undecoded shows the message of an event for which Event returned err.
	Undecoded(e *invoke.Event, err error) error
}

// Undecoded prints the bytes of a message, in base64, and what is wrong with them.
func (f *eventFormatter) Undecoded(e *invoke.Event, err error) error {
	var wire *transcode.WireError
	if errors.As(err, &wire) {
		err = wire
	}
	return f.line(e, "message", func(b []byte) ([]byte, error) {
		b = append(f.numbered(b, e), `,"undecoded":true,"value":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, e.Message.Wire), '"')
		return jsontext.AppendString(append(b, `,"problem":`...), err.Error()), nil
	})
}

// Flush returns the first error of writing.
func (f *eventFormatter) Flush() error { return f.out.Flush() }

// line writes one line: the head that every line has, and what body appends.
func (f *eventFormatter) line(e *invoke.Event, name string, body func(b []byte) ([]byte, error)) error {
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	b := f.head(buf, e, name)
	if body != nil {
		if b, err = body(b); err != nil {
			return after(f.out.End(buf, e.At), err)
		}
	}
	return f.out.End(append(b, '}', '\n'), e.At)
}

// head appends what every line begins with.
func (f *eventFormatter) head(b []byte, e *invoke.Event, name string) []byte {
	b = append(append(append(b, `{"event":"`...), name...), `","ms":`...)
	f.last = max(f.last, e.At.Sub(f.opened))
	b = appendMillis(b, f.last)
	if l := f.o.Label; l != nil {
		b = strconv.AppendInt(append(b, `,"call":`...), int64(l.Call), 10)
		if l.Target != "" {
			b = jsontext.AppendString(append(b, `,"target":`...), l.Target)
		}
	}
	return b
}

// large writes the line of a message whose JSON is never whole in memory. The JSON is made twice:
// a line that breaks off would be worse than none.
func (f *eventFormatter) large(e *invoke.Event, wire []byte, removed []string) error {
	encoder := f.encoders.of(e.Message)
	if err := encoder.Write(io.Discard, wire); err != nil {
		return faulty(e, err)
	}
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	f.out.Hold(append(f.numbered(f.head(buf, e, "message"), e), `,"message":`...))
	err = encoder.Write(f.out.Pieces(), wire)
	return after(f.out.End(append(appendRedacted(f.out.Held(), removed), '}', '\n'), e.At), faulty(e, err))
}

// appendMillis appends a duration in milliseconds, with microseconds.
func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d.Microseconds())/1000, 'f', 3, 64)
}

// request appends what the call is and how it is carried.
func (f *eventFormatter) request(b []byte, e *invoke.Event) []byte {
	if e.Call != nil && e.Call.Method != nil {
		b = jsontext.AppendString(append(b, `,"method":`...), invoke.MethodName(e.Call.Method))
		b = jsontext.AppendString(append(b, `,"kind":`...), invoke.StreamKind(e.Call.Method))
	} else if e.Name != "" { // without a schema no more is known
		b = append(jsontext.AppendString(append(b, `,"method":`...), e.Name), `,"kind":"unknown"`...)
	}
	for _, field := range []struct{ name, value string }{
		{`,"url":`, e.Wire.URL},
		{`,"protocol":`, e.Wire.Protocol},
		{`,"http":`, e.Wire.HTTP},
		{`,"codec":`, e.Wire.Codec},
		{`,"compression":`, e.Wire.Compression},
	} {
		b = jsontext.AppendString(append(b, field.name...), field.value)
	}
	return appendMetadata(append(b, `,"metadata":`...), e.Metadata, f.o.requestValue)
}

// numbered appends the number of a message and its encoded size.
func (f *eventFormatter) numbered(b []byte, e *invoke.Event) []byte {
	b = strconv.AppendInt(append(b, `,"index":`...), int64(e.Seq), 10)
	return strconv.AppendInt(append(b, `,"size":`...), int64(len(e.Message.Wire)), 10)
}

// sent appends the request itself, when there are many calls. What cannot
// be shown, such as raw bytes that are no message, is left out: it was sent all the same.
func (f *eventFormatter) sent(b []byte, e *invoke.Event) []byte {
	if f.o.Label == nil {
		return b
	}
	wire, removed := f.requestFields.Strip(e.Message.Desc, e.Message.Wire)
	with, err := f.requests.of(e.Message).Append(append(b, `,"message":`...), wire)
	if err != nil {
		return b
	}
	return appendRedacted(with, removed)
}

// appendRedacted appends the paths of the fields that were left out of a message.
func appendRedacted(b []byte, removed []string) []byte {
	for i, path := range removed {
		if i == 0 {
			b = append(b, `,"redacted":[`...)
		} else {
			b = append(b, ',')
		}
		b = jsontext.AppendString(b, path)
	}
	if len(removed) > 0 {
		b = append(b, ']')
	}
	return b
}

// metadata appends a response's metadata.
func (f *eventFormatter) metadata(md invoke.Metadata) func(b []byte) ([]byte, error) {
	return func(b []byte) ([]byte, error) {
		return appendMetadata(append(b, `,"metadata":`...), md, f.o.responseValue), nil
	}
}

// headers appends the response's metadata, and its HTTP status and version if known.
func (f *eventFormatter) headers(b []byte, e *invoke.Event) []byte {
	b = appendMetadata(append(b, `,"metadata":`...), e.Metadata, f.o.responseValue)
	if e.HTTPStatus != 0 {
		b = strconv.AppendInt(append(b, `,"http_status":`...), int64(e.HTTPStatus), 10)
	}
	if e.HTTPVersion != "" {
		b = jsontext.AppendString(append(b, `,"http_version":`...), e.HTTPVersion)
	}
	return b
}

// status appends how the call ended.
func (f *eventFormatter) status(b []byte, s *invoke.Status) []byte {
	b = strconv.AppendUint(append(b, `,"code":`...), uint64(s.Code), 10)
	b = jsontext.AppendString(append(b, `,"name":`...), invoke.CodeName(s.Code))
	b = slices.Grow(b, len(s.Message)+512) // a long message would be copied again and again
	b = jsontext.AppendString(append(b, `,"message":`...), f.o.Seen.MaskWords(s.Message))
	if s.Origin != "" {
		b = jsontext.AppendString(append(b, `,"origin":`...), string(s.Origin))
	}
	if len(s.Details) == 0 {
		return b
	}
	room := maxDetails
	for i, d := range s.Details {
		if i == 0 {
			b = append(b, `,"details":[`...)
		} else {
			b = append(b, ',')
		}
		b = jsontext.AppendString(append(b, `{"type":`...), string(typeName(d.GetTypeUrl())))
		if f.o.Seen.Holds(d.GetValue()) {
			b = jsontext.AppendString(append(b, `,"value":`...), secret.Mask)
		} else {
			b = append(base64.StdEncoding.AppendEncode(append(b, `,"value":"`...), d.GetValue()), '"')
		}
		if j, ok := detailJSON(d, &f.o, "", &room); ok {
			b = append(append(b, `,"message":`...), f.o.Seen.Mask(string(j))...)
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// maxDetails is how long the JSON of all details of a status may be, in bytes. Details past it are
// printed as their bytes alone.
const maxDetails = 16 << 20

// detailJSON returns an error detail as the JSON of an Any, and takes its length from room. It
// returns false when the type is not known, the value is not a message of the type, or there is no
// room.
func detailJSON(d *anypb.Any, o *Options, indent string, room *int) ([]byte, bool) {
	if _, err := (known{o.Types}).FindMessageByURL(d.GetTypeUrl()); err != nil || len(d.GetValue()) >= *room {
		return nil, false
	}
	wire, err := proto.Marshal(d)
	if err != nil {
		return nil, false // a type URL that is not UTF-8
	}
	eo := o.encoding(nil, indent)
	eo.MaxSize = *room
	j, err := transcode.NewEncoder(d.ProtoReflect().Descriptor(), eo).Append(nil, wire)
	if err != nil || len(j) > *room {
		return nil, false
	}
	*room -= len(j)
	return j, true
}

// RequestStripper returns what removes secrets from requests that are shown: fields that are secret
// by their names or by the schema.
func RequestStripper(o *Options) *secret.Stripper {
	return &secret.Stripper{Secret: secret.Field, Keys: secret.Name, Types: known{o.Types}}
}
