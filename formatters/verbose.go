package formatters

import (
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/formatters/internal/protosource"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
)

// Verbose returns a sink that prints on w, which is standard error, what happens in a call: the
// method, the metadata both ways, and the size and time of each message. Level 2 and up adds a list
// of the phases at the end; level 0 and below prints nothing. The wording of the blocks is grpcurl's. Values of secret
// request headers are masked, and everything is cleaned.
//
// An error of w does not stop a call: the sink never fails. It is
// used by one goroutine at a time.
func Verbose(w io.Writer, level int, o Options) invoke.Sink {
	if level <= 0 {
		return invoke.SinkFunc(func(*invoke.Event) error { return nil })
	}
	return &verbose{w: w, o: o, colors: palette.New(o.Color), level: level}
}

// A verbose is the sink that Verbose returns.
type verbose struct {
	w      io.Writer
	o      Options
	colors *palette.Palette
	level  int
	b      strings.Builder

	opened            time.Time
	headers           bool
	sent, received    int
	bytesOut, bytesIn int64
	phases            []phase
	last              time.Duration // when the last response came
}

// A phase is a moment that ends a part of a call.
type phase struct {
	name string
	end  time.Duration // since the call began
}

// Event prints an event.
func (v *verbose) Event(e *invoke.Event) error {
	v.b.Reset()
	switch e.Kind {
	case invoke.Opened:
		*v = verbose{w: v.w, o: v.o, colors: v.colors, level: v.level, opened: e.At}
		v.open(e)
	case invoke.RequestSent:
		v.sent++
		v.bytesOut += int64(len(e.Message.Wire))
		v.mark("first request", e)
		fmt.Fprintf(&v.b, "Sent message %d: %s (%s)\n", e.Seq, bytesText(int64(len(e.Message.Wire))), v.since(e))
	case invoke.RequestsDone:
		v.mark("half-close", e)
		fmt.Fprintf(&v.b, "Closed the sending side (%s)\n", v.since(e))
	case invoke.HeadersReceived:
		v.headers = true
		v.mark("response headers", e)
		v.block("Response headers received:", e.Metadata, v.o.responseValue)
	case invoke.ResponseReceived:
		v.received++
		v.bytesIn += int64(len(e.Message.Wire))
		v.mark("first response", e)
		v.last = e.At.Sub(v.opened)
		fmt.Fprintf(&v.b, "Received message %d: %s (%s)\n", e.Seq, bytesText(int64(len(e.Message.Wire))), v.since(e))
	case invoke.Finished:
		v.finish(e)
	}
	_, _ = io.WriteString(v.w, v.b.String())
	return nil
}

// open prints the method, where the call goes, and the request's metadata.
func (v *verbose) open(e *invoke.Event) {
	if e.Call != nil && e.Call.Method != nil {
		v.b.WriteString("\nResolved method descriptor:\n" + v.method(e.Call.Method))
	}
	if e.Wire.URL != "" {
		fmt.Fprintf(&v.b, "\nCalling %s\n", Clean(e.Wire.URL, false))
		carried := fmt.Sprintf("%s over HTTP/%s, codec %s, compression %s", e.Wire.Protocol, e.Wire.HTTP, e.Wire.Codec,
			e.Wire.Compression)
		v.b.WriteString("(" + Clean(carried, false) + ")\n")
	}
	v.block("Request metadata to send:", e.Metadata, v.o.requestValue)
	v.b.WriteByte('\n')
}

// method returns the definition of a method.
func (v *verbose) method(d protoreflect.MethodDescriptor) string {
	source, err := protosource.Definition(d)
	if err != nil {
		return Clean(err.Error(), false) + "\n"
	}
	return protosource.Paint(source, v.colors)
}

// block prints metadata under a heading.
func (v *verbose) block(heading string, md invoke.Metadata, show func(key, value string) string) {
	v.b.WriteString("\n" + heading + "\n")
	if len(md) == 0 {
		v.b.WriteString("(empty)\n")
	}
	began, omitted := v.b.Len(), 0
	for _, key := range md.Keys() {
		name := v.colors.Paint(palette.Key, Clean(Cut(key, MaxText), false))
		for _, value := range md[key] {
			if v.b.Len()-began >= maxBlock {
				omitted++
				continue
			}
			v.b.WriteString(name + ": " + shortValue(key, value, show(key, value)) + "\n")
		}
	}
	if omitted > 0 {
		fmt.Fprintf(&v.b, "... (cut: %d more; -o events shows all of it)\n", omitted)
	}
}

// finish prints the trailers, how much was sent and received, and how long the call took.
func (v *verbose) finish(e *invoke.Event) {
	if e.Status == nil || e.Status.Origin != invoke.OriginTransport { // else nothing was received
		if !v.headers {
			v.block("Response headers received:", nil, nil)
		}
		v.block("Response trailers received:", e.Metadata, v.o.responseValue)
	}
	if v.received > 1 {
		v.phases = append(v.phases, phase{"last response", v.last})
	}
	v.phases = append(v.phases, phase{"end", e.At.Sub(v.opened)})
	fmt.Fprintf(&v.b, "Sent %s and received %s", plural(v.sent, "request"), plural(v.received, "response"))
	fmt.Fprintf(&v.b, " (%s out, %s in, %s", bytesText(v.bytesOut), bytesText(v.bytesIn), v.since(e))
	if e.Status != nil && e.Abandoned == nil {
		v.b.WriteString(", " + v.colors.Paint(statusRole(e.Status.Code), invoke.CodeName(e.Status.Code)))
	}
	v.b.WriteString(")\n")
	if v.level > 1 {
		v.timing()
	}
}

// statusRole returns how the name of a status is painted.
func statusRole(c codes.Code) palette.Role {
	if c == codes.OK {
		return palette.String
	}
	return palette.Bad
}

// timing prints when each phase ended and how long it was.
func (v *verbose) timing() {
	v.b.WriteString("\nTiming Data:\n")
	var before time.Duration
	for _, p := range v.phases {
		fmt.Fprintf(&v.b, "  %-17s %s (+%s)\n", p.name+":", millis(p.end), millis(p.end-before))
		before = p.end
	}
}

// mark records the end of a phase, the first time.
func (v *verbose) mark(name string, e *invoke.Event) {
	if v.level < 2 {
		return
	}
	for _, p := range v.phases {
		if p.name == name {
			return
		}
	}
	v.phases = append(v.phases, phase{name, e.At.Sub(v.opened)})
}

// since returns the time from the beginning of the call to an event.
func (v *verbose) since(e *invoke.Event) string { return millis(e.At.Sub(v.opened)) }

// millis returns a duration in milliseconds.
func millis(d time.Duration) string { return string(appendMillis(nil, d)) + " ms" }

// bytesText returns a number of bytes in words.
func bytesText(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// plural returns a number of things in words.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
