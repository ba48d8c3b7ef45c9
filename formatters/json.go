package formatters

import (
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// An encoders keeps the encoder for the type of message that came last: nearly always all
// messages are of one type.
type encoders struct {
	o      *Options
	indent string
	desc   protoreflect.MessageDescriptor
	last   *transcode.Encoder
}

// of returns the encoder for a message.
func (c *encoders) of(m *invoke.Message) *transcode.Encoder {
	if c.desc != m.Desc {
		c.desc, c.last = m.Desc, transcode.NewEncoder(m.Desc, c.o.encoding(m.Types, c.indent))
	}
	return c.last
}

// A jsonFormatter prints each response as JSON and a line feed.
type jsonFormatter struct {
	out      *batch.Writer
	o        Options
	encoders encoders
	painter  *jsontext.Painter // nil: no colours
	plain    []byte            // a message before it is painted
}

func newJSON(w io.Writer, o Options) (Formatter, error) { return newJSONFormatter(w, o, "  "), nil }

func newNDJSON(w io.Writer, o Options) (Formatter, error) { return newJSONFormatter(w, o, ""), nil }

func newJSONFormatter(w io.Writer, o Options, indent string) *jsonFormatter {
	f := &jsonFormatter{out: batch.New(w, o.Live), o: o}
	f.encoders = encoders{o: &f.o, indent: indent}
	f.painter = jsontext.NewPainter(f.out.Pieces(), o.Color)
	return f
}

// Event prints a response.
func (f *jsonFormatter) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	enc := f.encoders.of(e.Message)
	long := len(e.Message.Wire) >= memory.PieceSize
	if !long {
		buf, err = f.small(buf, enc, e.Message.Wire)
		long = tooLong(err)
	}
	if long {
		err = f.large(enc, e.Message.Wire)
		buf = f.out.Held()
	}
	return after(f.out.End(buf, e.At), faulty(e, err))
}

// tooLong reports whether err says that the JSON of a message is too long to be appended.
func tooLong(err error) bool {
	if err == nil {
		return false
	}
	var wire *transcode.WireError
	return errors.As(err, &wire) && wire.Problem == transcode.TooLong
}

// small appends a message to buf; on error it appends nothing.
func (f *jsonFormatter) small(buf []byte, enc *transcode.Encoder, wire []byte) (_ []byte, err error) {
	if f.painter == nil {
		if buf, err = enc.Append(buf, wire); err != nil {
			return buf, err
		}
		return append(buf, '\n'), nil
	}
	if f.plain, err = enc.Append(f.plain[:0], wire); err != nil {
		return buf, err
	}
	return append(f.painter.Append(buf, f.plain), '\n'), nil
}

// large writes a message in pieces.
func (f *jsonFormatter) large(enc *transcode.Encoder, wire []byte) error {
	out := f.out.Pieces()
	if f.painter == nil {
		if err := enc.Write(out, wire); err != nil {
			return err
		}
	} else {
		if err := enc.Write(f.painter, wire); err != nil {
			return err
		}
		f.out.Hold(f.painter.End(f.out.Held()))
	}
	f.out.Hold(append(f.out.Held(), '\n'))
	return nil
}

// Flush writes what is left.
func (f *jsonFormatter) Flush() error { return f.out.Flush() }

// faulty returns err with the name of the message that could not be printed.
func faulty(e *invoke.Event, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("printing response %d, a %s: %w", e.Seq, e.Message.Desc.FullName(), err)
}

// after returns the error of the output if there is one, and else that of the message.
func after(output, message error) error {
	if output != nil {
		return output
	}
	return message
}

// serverStreams reports whether the method of an event's call streams responses.
func serverStreams(e *invoke.Event) bool {
	return e.Call != nil && e.Call.Method != nil && e.Call.Method.IsStreamingServer()
}
