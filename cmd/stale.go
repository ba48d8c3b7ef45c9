package cmd

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A schema that was remembered may be that of yesterday. Whatever goes wrong with
// it is tried again with what the server says now, before anybody hears of it.

// planRemembered is planUntil. What a remembered schema does not fit is planned again, with the
// whole limit: standard input may have taken its time.
func planRemembered(ctx, ready context.Context, a *app.App, o *callOptions, md invoke.Metadata) (*invoke.Call, error) {
	t := &tape{from: a.Env.Stdin, recording: true}
	o.stdin = t
	defer t.stop()
	p, err := planUntil(ctx, ready, a, o, md)
	if err == nil || !a.Session.FromMemory() || !mayBeStale(err) || o.edit || !t.rewind() {
		return p, err
	}
	a.Session.Forget()
	return plan(ctx, a, o, md)
}

// mayBeStale tells whether an error would not be one with another schema.
func mayBeStale(err error) bool {
	var bad *input.Error
	return errors.Is(err, discovery.ErrNotFound) || errors.As(err, new(*discovery.AmbiguousError)) ||
		errors.As(err, new(*discovery.DescriptorError)) || errors.As(err, &bad) && bad.Err == nil
}

// runRemembered is run. A method that the server no longer has is looked up again:
// where a short name now leads elsewhere, the call goes there.
func runRemembered(ctx context.Context, a *app.App, p *invoke.Call, format formatters.Format, o *callOptions, md invoke.Metadata) error {
	err := makeCall(ctx, a, p, format, o)
	var status *invoke.StatusError
	if !errors.As(err, &status) || status.Status.Code != codes.Unimplemented || status.Status.Origin != invoke.OriginServer || !a.Session.FromMemory() {
		return err
	}
	a.Session.Forget()
	if o.answers > 0 || o.edit || format == formatters.Events || p.Method.IsStreamingClient() || !o.stdin.rewind() {
		return err
	}
	again, perr := plan(ctx, a, o, md)
	switch {
	case errors.Is(perr, discovery.ErrNotFound):
		return perr
	case perr != nil || invoke.MethodPath(again.Method) == invoke.MethodPath(p.Method):
		return err
	}
	return makeCall(ctx, a, again, format, o)
}

// withoutComments spares a call the comments of .proto files, which only -vv shows.
func withoutComments(a *app.App) {
	s := a.Session.Settings()
	s.NoComments = a.Globals.Verbose < 2
	a.Session.Configure(s)
}

// A tape keeps what was read of standard input, so that it can be read again.
type tape struct {
	from      io.Reader
	recording bool
	kept      bytes.Buffer
	lost      bool          // more was read than is kept
	again     *bytes.Reader // nil: not rewound
}

// maxTape is how much is kept, in bytes.
const maxTape = 4 << 20

// Read implements io.Reader.
func (t *tape) Read(p []byte) (int, error) {
	if t.again != nil && t.again.Len() > 0 {
		return t.again.Read(p)
	}
	n, err := t.from.Read(p)
	if t.recording && t.kept.Len()+n > maxTape {
		t.recording, t.lost, t.kept = false, true, bytes.Buffer{}
	}
	if t.recording {
		t.kept.Write(p[:n])
	}
	return n, err
}

func (t *tape) stop() { t.recording = false }

// rewind makes what was read be read again, and tells whether all of it is there.
func (t *tape) rewind() bool {
	if t.lost {
		return false
	}
	t.again = bytes.NewReader(t.kept.Bytes())
	return true
}

// A renewal prints answers by a schema that was remembered, for as long as they
// fit it, and then by what the server says now.
type renewal struct {
	invoke.Sink
	app    *app.App
	o      *callOptions
	method protoreflect.MethodDescriptor
	tried  bool
	now    protoreflect.MessageDescriptor // of answers; nil: as remembered
}

// renewing wraps the sink that prints the answers.
func renewing(a *app.App, s invoke.Sink, p *invoke.Call, o *callOptions) invoke.Sink {
	return &renewal{Sink: s, app: a, o: o, method: p.Method}
}

// Event implements invoke.Sink.
func (r *renewal) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return r.Sink.Event(e)
	}
	r.o.answers++
	if r.suspicious(e) {
		r.renew()
	}
	if r.now != nil {
		return r.renewed(e)
	}
	err := r.Sink.Event(e)
	var wire *transcode.WireError
	if err == nil || r.tried || !errors.As(err, &wire) || len(e.Message.Wire) > maxChecked || !r.app.Session.FromMemory() {
		return err
	}
	if r.renew(); r.now == nil {
		return err
	}
	return r.renewed(e)
}

// renewed hands an answer on with today's type.
func (r *renewal) renewed(e *invoke.Event) error {
	again := *e
	again.Message = &invoke.Message{Desc: r.now, Wire: e.Message.Wire, Types: e.Message.Types}
	return r.Sink.Event(&again)
}

// The first answers are looked at for fields that the schema does not have.
const (
	checkedAnswers = 16
	maxChecked     = 256 << 10 // bytes of one
)

func (r *renewal) suspicious(e *invoke.Event) bool {
	return !r.tried && e.Seq < checkedAnswers && len(e.Message.Wire) <= maxChecked &&
		r.app.Session.FromMemory() && hasUnknown(e.Message.Desc, e.Message.Wire, 0)
}

// renew asks the server for the method, once. Without an answer all stays as it is.
func (r *renewal) renew() {
	r.tried = true
	r.app.Session.Forget()
	ctx, cancel := context.WithTimeout(context.Background(), discovery.ReflectTimeout)
	defer cancel()
	source, err := r.app.Session.Source(ctx)
	if err != nil {
		return
	}
	m, err := discovery.FindMethod(ctx, source, invoke.MethodName(r.method))
	if err == nil {
		r.now = m.Output()
	}
}

// hasUnknown tells whether a message has a field that its type does not have, in
// it or in what it holds.
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
