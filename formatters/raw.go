package formatters

import (
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/batch"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/invoke"
)

// A rawFormatter writes the encoded messages. Before each message of a stream it writes the
// message's length as a varint, as protobuf libraries delimit messages. With a field, it writes the
// contents of that field alone, so that the pieces of a file that is sent as a stream make the file.
type rawFormatter struct {
	out *batch.Writer
	o   Options

	desc   protoreflect.MessageDescriptor // the type of message that fields are of
	fields []protoreflect.FieldDescriptor
}

func newRaw(w io.Writer, o Options) (Formatter, error) {
	if o.Live || o.Width > 0 {
		return nil, ErrTerminal
	}
	return &rawFormatter{out: batch.New(w, o.Live), o: o}, nil
}

// Event writes a response. A field that the message does not have is an error before the call is
// made.
func (f *rawFormatter) Event(e *invoke.Event) error {
	switch e.Kind {
	case invoke.Opened:
		if e.Call != nil && e.Call.Method != nil {
			return f.resolve(e.Call.Method.Output())
		}
		return nil
	case invoke.ResponseReceived:
	default:
		return nil
	}
	data := e.Message.Wire
	if f.o.Field != "" {
		if err := f.resolve(e.Message.Desc); err != nil {
			return err
		}
		if err := memory.Check(e.Message, string(Raw), memory.MaxDecoded); err != nil {
			return faulty(e, err)
		}
		m, err := decoded(e.Message, &f.o)
		if err != nil {
			return faulty(e, err)
		}
		data = f.value(m)
	}
	buf, err := f.out.Begin()
	if err != nil {
		return err
	}
	if f.o.Field == "" && serverStreams(e) {
		buf = protowire.AppendVarint(buf, uint64(len(data)))
	}
	f.out.Hold(buf)
	_, _ = f.out.Pieces().Write(data) // End returns its error
	return f.out.End(f.out.Held(), e.At)
}

// resolve finds the fields of the path, once for each type of message.
func (f *rawFormatter) resolve(md protoreflect.MessageDescriptor) error {
	if f.o.Field == "" || f.desc == md {
		return nil
	}
	fields, rest, err := fieldPath(md, f.o.Field)
	if err != nil {
		return err
	}
	last := fields[len(fields)-1]
	if len(rest) > 0 || last.IsList() || last.Kind() != protoreflect.StringKind &&
		last.Kind() != protoreflect.BytesKind {
		return fieldProblem(f.o.Field, last, "is not a single string or bytes field")
	}
	f.desc, f.fields = md, fields
	return nil
}

// value returns the bytes of the field, which are none when the field is missing.
func (f *rawFormatter) value(m protoreflect.Message) []byte {
	last := len(f.fields) - 1
	for _, fd := range f.fields[:last] {
		m = m.Get(fd).Message()
	}
	v := m.Get(f.fields[last])
	if f.fields[last].Kind() == protoreflect.BytesKind {
		return v.Bytes()
	}
	return []byte(v.String())
}

// Flush writes what is left.
func (f *rawFormatter) Flush() error { return f.out.Flush() }
