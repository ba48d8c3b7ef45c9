package transcode

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// EncodeOptions say how the JSON looks. The zero value gives compact JSON by the protobuf JSON
// mapping.
type EncodeOptions struct {
	Types        Types  // nil: nothing resolves
	Indent       string // "": one line, as in {"a":1}; else pretty, as in "  "; spaces and tabs only
	EmitDefaults bool   // also fields without presence that have their default
	ProtoNames   bool   // field names as in the .proto file, not in lowerCamelCase
	Int64Numbers bool   // 64-bit integers as numbers, not as strings
	EnumNumbers  bool   // enum values as numbers, not as names
	MaxSize      int    // bytes of the JSON that Append makes; 0: no limit
}

// An Encoder turns wire bytes of one message type into JSON. It is safe for concurrent use.
//
// What it prints means the same as what protobuf-go's protojson prints, and has the same
// order, but for the entries of a map, which come in wire order. It differs where data is not
// as it should be, so that a person can look at it:
//   - a google.protobuf.Any whose type is not known prints as its type URL and its bytes
//     in base64, with "unresolved" set;
//   - a string that need not be UTF-8 by its declaration, and is not, prints with U+FFFD
//     for each faulty byte; where it must be, that is an error, as it is for protobuf-go;
//   - what a later occurrence replaces (a scalar, a map key, a oneof's member) is not looked at.
//
// A value that an enum does not have prints as its number, also for a closed enum.
type Encoder struct {
	o    EncodeOptions
	set  *planSet
	root *plan
	pool sync.Pool // of *encoding
}

// maxIndent is the depth past which indentation grows no more: a small message that nests
// deep must not print as a large one.
const maxIndent = 100

// NewEncoder returns an encoder for messages of type md.
func NewEncoder(md protoreflect.MessageDescriptor, o EncodeOptions) *Encoder {
	if o.Types == nil {
		o.Types = new(protoregistry.Types)
	}
	e := &Encoder{o: o, set: newPlanSet(o.Types)}
	e.set.protoNames = o.ProtoNames
	e.set.spaced = o.Indent != ""
	l := layout{spaced: e.set.spaced, indent: len(o.Indent)}
	if l.spaced {
		l.lines = "\n" + strings.Repeat(o.Indent, maxIndent)
	}
	e.root = e.set.plan(md)
	e.pool.New = func() any { return &encoding{Encoder: e, layout: l} }
	return e
}

// measured is the size of a message from which on its JSON is measured before it is made in
// memory, in bytes: memory that grows step by step takes more than twice as much.
const measured = 1 << 20

// Append appends the JSON of the message wire to dst, with no newline after it. On
// error, which is a [*WireError], what it returns is dst as it was.
func (e *Encoder) Append(dst, wire []byte) ([]byte, error) {
	return e.AppendContext(context.Background(), dst, wire)
}

// AppendContext is Append until the context ends, whose error it then returns. It checks that
// after each piece of the JSON: a small message is printed in any case.
func (e *Encoder) AppendContext(ctx context.Context, dst, wire []byte) ([]byte, error) {
	if e.o.MaxSize > 0 && len(wire) >= measured {
		m := &measure{most: e.o.MaxSize}
		if err := e.write(ctx, m, wire); err != nil {
			return dst, err
		}
		dst = slices.Grow(dst, m.size)
	}
	s := e.pool.Get().(*encoding)
	s.wire, s.out, s.w, s.ctx, s.most = wire, dst, nil, ctx, math.MaxInt
	if e.o.MaxSize > 0 {
		s.most = len(dst) + e.o.MaxSize
	}
	s.flushAt = min(len(dst)+piece, s.most)
	err := s.document()
	out := s.out
	s.out = nil
	s.release()
	if err != nil {
		return dst, err
	}
	return out, nil
}

// A measure counts the bytes that are written, up to most.
type measure struct{ size, most int }

func (m *measure) Write(p []byte) (int, error) {
	if m.size += len(p); m.size > m.most {
		return 0, errMeasure
	}
	return len(p), nil
}

// errMeasure is the error of a measure for what is longer.
var errMeasure = errors.New(TooLong)

// piece is how much JSON [Encoder.Write] gathers before it writes, in bytes.
const piece = 64 << 10

// Write writes the JSON of the message wire to w in pieces of about 64 KiB, with no
// newline after it, so that the JSON of a large message is never whole in memory. When
// the message is faulty the error is a [*WireError] and some of it may have been written;
// other errors are w's own.
func (e *Encoder) Write(w io.Writer, wire []byte) error {
	return e.write(context.Background(), w, wire)
}

func (e *Encoder) write(ctx context.Context, w io.Writer, wire []byte) error {
	s := e.pool.Get().(*encoding)
	s.wire, s.out, s.w, s.ctx, s.flushAt = wire, s.own[:0], w, ctx, piece
	err := s.document()
	if err == nil {
		err = s.flush()
	}
	s.own, s.out = s.out[:0], nil
	s.release()
	return err
}

// An encoding is one message that is being encoded, with memory that is reused for the next.
type encoding struct {
	layout
	*Encoder
	wire    []byte
	own     []byte // out, when the JSON goes to w
	w       io.Writer
	ctx     context.Context
	flushAt int // the length of out at which ctx is checked, and out is written to w
	most    int // of out, without w

	runs    []run         // of all messages that are open, the innermost last
	members []member      // of the oneofs of all messages that are open; zero past its length
	entries []entry       // of all maps that are open
	keys    keySet        // of the map that is being read
	open    []int         // numbers and starts of groups that are being skipped
	groups  map[int]group // long groups inside others, by their starts
}

// maxKept is how many bytes of each kind of memory are kept for the next message.
const maxKept = 1 << 20

func (s *encoding) release() {
	s.wire, s.w, s.ctx = nil, nil, nil
	if len(s.members) > 0 { // a message that ended in a fault may have left some
		s.members = nil
	}
	s.runs, s.entries, s.open = s.runs[:0], s.entries[:0], s.open[:0]
	if cap(s.runs)*12+cap(s.members)*8+cap(s.entries)*24+cap(s.own)+cap(s.keys.table)*4 > maxKept {
		s.runs, s.members, s.entries, s.own, s.keys = nil, nil, nil, nil, keySet{}
	}
	if len(s.groups) > 0 {
		s.groups = nil
	}
	s.pool.Put(s)
}

// document prints the whole message.
func (s *encoding) document() error {
	if len(s.wire) > math.MaxInt32 {
		return &WireError{Problem: "the message is longer than 2 GiB"}
	}
	s.runs = append(s.runs, run{start: 0, end: uint32(len(s.wire))})
	if err := s.message(s.root, 0, 1, 1); err != nil {
		return located(err)
	}
	return nil
}

// flush writes what was gathered, unless the context has ended.
func (s *encoding) flush() error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if s.w == nil {
		if len(s.out) >= s.most { // long names in a schema make much JSON of few bytes
			return s.fault(0, TooLong)
		}
		s.flushAt = min(len(s.out)+piece, s.most)
		return nil
	}
	_, err := s.w.Write(s.out)
	s.out = s.out[:0]
	if err == errMeasure {
		return s.fault(0, TooLong)
	}
	return err
}
