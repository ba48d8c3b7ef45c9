package call

import (
	"bytes"
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// A remembered schema may be out of date. Whatever fails with it is tried again with the
// schema that the server has now, before the failure is reported.

// planRemembered is planUntil, but plans again, with the whole limit, when a remembered schema
// does not fit: reading standard input may have taken long.
func (s *Call) planRemembered(ctx, ready context.Context) (*invoke.Call, error) {
	s.stdin = &recording{from: s.app.Env.Stdin, on: true}
	defer s.stdin.stop()
	p, err := s.planUntil(ctx, ready)
	if err == nil || !s.Session.FromMemory() || !mayBeStale(err) || s.o.Edit || !s.stdin.rewind() {
		return p, err
	}
	s.Session.Forget()
	return s.Plan(ctx)
}

// mayBeStale reports whether an error may be that of a schema that is out of date.
func mayBeStale(err error) bool {
	var bad *input.Error
	return errors.Is(err, discovery.ErrNotFound) || errors.As(err, new(*discovery.AmbiguousError)) ||
		errors.As(err, new(*discovery.DescriptorError)) || errors.As(err, &bad) && bad.Err == nil
}

// runRemembered is run. A method that the server no longer has is looked up again:
// where a short name now leads elsewhere, the call goes there.
func (s *Call) runRemembered(ctx context.Context, p *invoke.Call) error {
	err := s.run(ctx, p)
	var status *invoke.StatusError
	if !errors.As(err, &status) || status.Status.Code != codes.Unimplemented ||
		status.Status.Origin != invoke.OriginServer || !s.Session.FromMemory() {
		return err
	}
	s.Session.Forget()
	if s.responses > 0 || s.o.Edit || s.format == formatters.Events || p.Method.IsStreamingClient() ||
		!s.stdin.rewind() {
		return err
	}
	again, perr := s.Plan(ctx)
	switch {
	case errors.Is(perr, discovery.ErrNotFound):
		return perr
	case perr != nil || invoke.MethodPath(again.Method) == invoke.MethodPath(p.Method):
		return err
	}
	return s.run(ctx, again)
}

// WithoutComments makes a call skip the comments of .proto files, which only -vv shows.
func WithoutComments(a *app.App) {
	s := a.Session.Settings()
	s.NoComments = a.Globals.Verbose < 2
	a.Session.Configure(s)
}

// A recording keeps what was read of standard input, so that it can be read again.
type recording struct {
	from  io.Reader
	on    bool
	kept  bytes.Buffer
	lost  bool          // more was read than is kept
	again *bytes.Reader // nil: not rewound
}

// maxRecorded is how much is kept, in bytes.
const maxRecorded = 4 << 20

// Read implements io.Reader.
func (t *recording) Read(p []byte) (int, error) {
	if t.again != nil && t.again.Len() > 0 {
		return t.again.Read(p)
	}
	n, err := t.from.Read(p)
	if t.on && t.kept.Len()+n > maxRecorded {
		t.on, t.lost, t.kept = false, true, bytes.Buffer{}
	}
	if t.on {
		t.kept.Write(p[:n])
	}
	return n, err
}

func (t *recording) stop() { t.on = false }

// rewind makes Read return once more what was read so far, and reports whether all of it was
// kept.
func (t *recording) rewind() bool {
	if t.lost {
		return false
	}
	t.again = bytes.NewReader(t.kept.Bytes())
	return true
}

// A refreshingSink prints responses by a schema that was remembered, for as long as they
// fit it, and then by what the server says now.
type refreshingSink struct {
	invoke.Sink
	call   *Call
	method protoreflect.MethodDescriptor
	tried  bool
	now    protoreflect.MessageDescriptor // of responses; nil: as remembered
}

// refreshing wraps the sink that prints the responses.
func (s *Call) refreshing(out invoke.Sink, p *invoke.Call) invoke.Sink {
	return &refreshingSink{Sink: out, call: s, method: p.Method}
}

// Event implements invoke.Sink.
func (r *refreshingSink) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return r.Sink.Event(e)
	}
	r.call.responses++
	if r.suspicious(e) {
		r.refresh()
	}
	if r.now != nil {
		return r.refreshed(e)
	}
	err := r.Sink.Event(e)
	var wire *transcode.WireError
	if err == nil || r.tried || !errors.As(err, &wire) || len(e.Message.Wire) > maxChecked ||
		!r.call.Session.FromMemory() {
		return err
	}
	if r.refresh(); r.now == nil {
		return err
	}
	return r.refreshed(e)
}

// refreshed hands a response on with today's type.
func (r *refreshingSink) refreshed(e *invoke.Event) error {
	again := *e
	again.Message = &invoke.Message{Desc: r.now, Wire: e.Message.Wire, Types: e.Message.Types}
	return r.Sink.Event(&again)
}

// The first responses are looked at for fields that the schema does not have.
const (
	checkedResponses = 16
	maxChecked       = 256 << 10 // bytes of one
)

func (r *refreshingSink) suspicious(e *invoke.Event) bool {
	return !r.tried && e.Seq < checkedResponses && len(e.Message.Wire) <= maxChecked &&
		r.call.Session.FromMemory() && hasUnknown(e.Message.Desc, e.Message.Wire, 0)
}

// refresh asks the server for the method, once. Without a response all stays as it is.
func (r *refreshingSink) refresh() {
	r.tried = true
	r.call.Session.Forget()
	ctx, cancel := context.WithTimeout(context.Background(), discovery.ReflectTimeout)
	defer cancel()
	source, err := r.call.Session.Source(ctx)
	if err != nil {
		return
	}
	m, err := discovery.FindMethod(ctx, source, invoke.MethodName(r.method))
	if err == nil {
		r.now = m.Output()
	}
}

// hasUnknown reports whether a message, or one inside it, has a field that its type does not have.
func hasUnknown(md protoreflect.MessageDescriptor, wire []byte, depth int) bool {
	const deepest = 32
	for len(wire) > 0 && depth < deepest {
		num, typ, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return false // the printer says what is wrong
		}
		wire = wire[n:]
		size := protowire.ConsumeFieldValue(num, typ, wire)
		if size < 0 {
			return false
		}
		f := md.Fields().ByNumber(num)
		switch {
		case f == nil && !md.ExtensionRanges().Has(num):
			return true
		case f != nil && f.Message() != nil && typ == protowire.BytesType:
			if inner, n := protowire.ConsumeBytes(wire); n > 0 && hasUnknown(f.Message(), inner, depth+1) {
				return true
			}
		}
		wire = wire[size:]
	}
	return false
}
