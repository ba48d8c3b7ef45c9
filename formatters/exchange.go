package formatters

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jq"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// An Exchange prints calls of a run as JSON, each on a line of its own (as JSON: indented):
// its index in Options.Label, the target when there is one, the request, the response, the
// status, and the time it took in milliseconds. Of a server stream there is a line for each
// response, with its number as seq, and one with the status at the end. With Options.Filter the
// results of the filter for each such line are printed in its place.
//
// An Exchange is given all events of one call before those of another. It writes each line at
// once.
type Exchange struct {
	out       *batch.Writer
	o         Options
	indented  bool
	requests  encoders
	responses encoders
	painter   *jsontext.Painter
	noRequest bool

	requestFields *secret.Stripper // removes secrets from requests

	opened   time.Time
	request  []byte // as JSON
	response []byte // the one response, as JSON; nil before it came
	line     []byte
}

// NewExchange returns an Exchange that prints in JSON or NDJSON on w, with the requests or
// without them. Options.Label must not be nil.
func NewExchange(format Format, w io.Writer, requests bool, o Options) (*Exchange, error) {
	if format != JSON && format != NDJSON {
		return nil, fmt.Errorf("requests and answers together are printed as %s and %s, not as %s", JSON, NDJSON,
			format)
	}
	o.Live = true
	f := &Exchange{out: batch.New(w, o.Live), o: o, indented: format == JSON, noRequest: !requests}
	f.requests, f.responses = encoders{o: &f.o}, encoders{o: &f.o}
	f.requestFields = RequestStripper(&f.o)
	f.painter = jsontext.NewPainter(f.out.Pieces(), o.Color)
	return f, nil
}

// Event prints the lines that an event completes.
func (f *Exchange) Event(e *invoke.Event) (err error) {
	switch e.Kind {
	case invoke.Opened:
		f.opened, f.response, f.request = e.At, nil, f.request[:0]
	case invoke.RequestSent:
		if f.noRequest {
			return nil
		}
		wire, _ := f.requestFields.Strip(e.Message.Desc, e.Message.Wire)
		if f.request, err = f.requests.of(e.Message).Append(f.request[:0], wire); err != nil {
			f.request = append(f.request[:0], "null"...) // raw bytes that are not a message
		}
	case invoke.ResponseReceived:
		if len(e.Message.Wire) > memory.MaxHeld {
			f.response = nil
			return faulty(e, &BulkError{As: "a part of a line"})
		}
		if f.response, err = f.responses.of(e.Message).Append(f.response[:0], e.Message.Wire); err != nil {
			f.response = nil
			return faulty(e, err)
		}
		if serverStreams(e) {
			f.begin()
			f.line = strconv.AppendInt(append(f.line, `,"seq":`...), int64(e.Seq), 10)
			f.appendResponse()
			return f.end(e.At)
		}
	case invoke.Finished:
		f.begin()
		if f.response != nil && !serverStreams(e) {
			f.appendResponse()
		}
		if s := e.Status; s != nil {
			f.line = strconv.AppendUint(append(f.line, `,"status":{"code":`...), uint64(s.Code), 10)
			f.line = jsontext.AppendString(append(f.line, `,"name":`...), invoke.CodeName(s.Code))
			if s.Message != "" {
				f.line = jsontext.AppendString(append(f.line, `,"message":`...), f.o.Seen.MaskWords(s.Message))
			}
			f.line = append(f.line, '}')
		}
		return f.end(e.At)
	}
	return nil
}

// Refused prints a request that is not a message, as it was written, and what is wrong with it.
func (f *Exchange) Refused(text []byte, why error, at time.Time) error {
	f.opened, f.request = at, f.request[:0]
	f.begin()
	if !f.noRequest {
		f.line = jsontext.AppendString(append(f.line, `,"request":`...), string(text))
	}
	f.line = jsontext.AppendString(append(f.line, `,"error":`...), f.o.Seen.Mask(why.Error()))
	return f.end(at)
}

// begin begins a line with what distinguishes the call from others.
func (f *Exchange) begin() {
	f.line = strconv.AppendInt(append(f.line[:0], `{"index":`...), int64(f.o.Label.Call), 10)
	if f.o.Label.Target != "" {
		f.line = jsontext.AppendString(append(f.line, `,"target":`...), f.o.Label.Target)
	}
	if len(f.request) > 0 {
		f.line = append(append(f.line, `,"request":`...), f.request...)
	}
}

// appendResponse appends the response. When it is long, no other copy is kept.
func (f *Exchange) appendResponse() {
	f.line = append(slices.Grow(f.line, len(f.response)+lineRest), `,"response":`...)
	if f.line = append(f.line, f.response...); cap(f.response) > batch.KeepSize {
		f.response = nil
	}
}

// lineRest is about how long a line is without its messages, in bytes.
const lineRest = 1 << 10

// end ends a line, and prints it or the results of the filter for it.
func (f *Exchange) end(at time.Time) error {
	defer func() {
		if cap(f.line) > batch.KeepSize {
			f.line = nil
		}
	}()
	f.line = append(appendMillis(append(f.line, `,"ms":`...), at.Sub(f.opened)), '}')
	if f.o.Filter == nil {
		return f.print(at, func(b []byte) ([]byte, error) {
			if !f.indented {
				return f.painter.Append(b, f.line), nil
			}
			return f.painter.Append(b, jsontext.AppendIndented(nil, f.line)), nil
		})
	}
	return f.o.EachResult(f.line, func(result any) error {
		return f.print(at, func(b []byte) ([]byte, error) {
			if text, ok := result.(string); ok && f.o.FilterRaw {
				return append(b, Clean(text, true)...), nil
			}
			indent := ""
			if f.indented {
				indent = "  "
			}
			p := &jq.ResultPrinter{Indent: indent, Most: jq.MaxResult(f.line)}
			j, err := p.Append(nil, result)
			return f.painter.Append(b, j), err
		})
	})
}

// print writes what fill appends, followed by a line feed.
func (f *Exchange) print(at time.Time, fill func(b []byte) ([]byte, error)) error {
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	b, err := fill(buf)
	if err != nil {
		return after(f.out.End(buf, at), err)
	}
	return f.out.End(append(b, '\n'), at)
}

// Flush returns the first error of writing.
func (f *Exchange) Flush() error { return f.out.Flush() }
