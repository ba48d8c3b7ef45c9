package transcode

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// DecodeOptions say what JSON is taken.
//
// Strict takes the protobuf JSON mapping. Lenient takes all that strict takes, with the same
// result (except for enum names that only lenient knows and that strict, with AllowUnknown,
// drops), and also what a person types: unquoted keys, single quotes, a comma after the last
// element, // and /* */ comments, a byte order mark; words without quotes for enum values, NaN
// and Infinity; enum names in any case, and without the prefix that all names of the enum
// share; hexadecimal integers; "now", dates and times without a zone (UTC) for a Timestamp;
// Go's words for a Duration (1h30m); a list of strings, and names as in the .proto file, for a
// FieldMask; and the form in which an [Encoder] prints an Any whose type it does not know.
type DecodeOptions struct {
	Types        Types            // nil: nothing resolves
	Lenient      bool             // also what a person types; false: the protobuf JSON mapping and no more
	AllowUnknown bool             // skip unknown fields and enum value names
	Now          func() time.Time // for "now" in lenient mode; nil: time.Now
	// MaxSize is about how many bytes a message may have: lists of numbers may take four times
	// the bytes of their JSON. While a map is read its keys count in addition, since they take
	// memory. Beyond MaxSize the error is ErrTooLarge. 0: two GiB, the limit of protobuf
	// itself.
	MaxSize int
}

// ErrTooLarge is the error of decoding a message that is greater than
// DecodeOptions.MaxSize.
var ErrTooLarge = errors.New("the message is beyond the limit")

// A Decoder turns JSON into the wire bytes of one message type. It is safe for concurrent use.
//
// When it is strict, it takes what protobuf-go's protojson takes and makes an equal message of
// it, with one exception: it refuses a number with an empty exponent, such as 1e. Fields are
// sent in the order of the text. Required fields are not checked.
type Decoder struct {
	o    DecodeOptions
	set  *planSet
	root *plan
	pool sync.Pool // of *decoding
}

// NewDecoder returns a decoder for messages of type md.
func NewDecoder(md protoreflect.MessageDescriptor, o DecodeOptions) *Decoder {
	if o.Types == nil {
		o.Types = new(protoregistry.Types)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Decoder{o: o, set: newPlanSet(o.Types)}
	d.set.reads = true
	d.root = d.set.plan(md)
	d.pool.New = func() any { return &decoding{Decoder: d, lexer: lexer{lenient: o.Lenient}} }
	return d
}

// Append appends the wire form of exactly one JSON document (white space and, if lenient,
// comments around it) to dst. On error, which is an [*Error], what it returns is dst as
// it was.
func (d *Decoder) Append(dst, json []byte) ([]byte, error) {
	return d.AppendContext(context.Background(), dst, json)
}

// AppendContext is Append until the context ends, whose error it then returns. It checks that
// every few thousand tokens: a small document is read in any case.
func (d *Decoder) AppendContext(ctx context.Context, dst, json []byte) ([]byte, error) {
	s := d.pool.Get().(*decoding)
	s.ctx, s.turns = ctx, turnsPerLook
	s.in, s.pos, s.out = json, 0, dst
	s.ahead = 16*len(json) + 1<<16
	s.curious = s.ahead
	s.ended = nil
	s.most = math.MaxInt32
	if d.o.MaxSize > 0 {
		s.most = len(dst) + d.o.MaxSize
	}
	s.document()
	out := s.out
	err := s.err()
	if s.ended != nil {
		err = s.ended
	}
	s.release()
	if err != nil {
		return dst, err
	}
	return out, nil
}

// A decoding is one document that is being decoded, with memory that is reused for the next.
type decoding struct {
	lexer
	*Decoder
	out  []byte
	most int // bytes of out

	// How many bytes may still be read ahead: to find the type of an Any, and to find out
	// whether an Any has the form for types that are not known.
	ahead, curious int

	urls    []byte    // the types of all Any messages so far
	seen    []uint64  // the fields so far, of all messages that are open
	seenExt []*field  // the extensions so far, of all messages that are open
	chosen  []*field  // the members so far, of all oneofs of all messages that are open; nil past its length
	changed []int32   // the places in chosen that are not nil
	keys    []outSpan // the keys of all maps that are open
	sets    []keyIndex
	maps    int // how many maps are open
}

// An outSpan is a range of bytes of out. It takes half the memory of a span, since there may
// be millions of keys in a map.
type outSpan struct{ start, end uint32 }

func (s *decoding) release() {
	s.in, s.out, s.faults, s.ctx = nil, nil, nil, nil
	if cap(s.text)+cap(s.urls)+cap(s.keys)*8+cap(s.path)*48+cap(s.seen)*8+cap(s.closers) > maxKept {
		s.text, s.urls, s.keys, s.path, s.seen, s.closers = nil, nil, nil, nil, nil, nil
	}
	if len(s.sets) > 16 {
		s.sets = nil
	}
	// A document that ended in a fault may have left oneofs in chosen.
	if len(s.chosen) > 0 || cap(s.chosen)*8+cap(s.changed)*4 > maxKept {
		s.chosen, s.changed = nil, nil
	}
	s.path, s.seen, s.seenExt, s.keys = s.path[:0], s.seen[:0], s.seenExt[:0], s.keys[:0]
	s.urls, s.closers, s.maps = s.urls[:0], s.closers[:0], 0
	s.pool.Put(s)
}

// document reads the one value of the document and what is around it.
func (s *decoding) document() {
	if s.o.Lenient && bytes.HasPrefix(s.in, []byte(byteOrderMark)) {
		s.pos = len(byteOrderMark)
	}
	c, ok := s.peek()
	if !ok {
		return
	}
	if c == 0 && s.pos == len(s.in) {
		s.incomplete("the document is empty")
		return
	}
	if s.message(s.root, 1) == stop {
		return
	}
	if _, ok := s.peek(); ok && s.pos < len(s.in) {
		end := s.pos + 1
		for end < len(s.in) && s.in[end] > ' ' && end < s.pos+maxQuoted {
			end++
		}
		s.fault(s.pos, end, "there is text after the document: "+excerpt(s.in[s.pos:end]), "")
	}
}

// deepLengths is the depth from which lengths are written in five bytes, which every parser
// takes. At lower depths a length is as short as possible, and when it takes more than one
// byte what follows it is moved.
const deepLengths = 64

// begin leaves room in out for the length of what follows.
func (s *decoding) begin(depth int) (mark int) {
	mark = len(s.out)
	if depth > deepLengths {
		s.out = append(s.out, 0, 0, 0, 0, 0)
	} else {
		s.out = append(s.out, 0)
	}
	return mark
}

// end writes the length of what stands in out since begin, and returns by how many bytes
// that moved.
func (s *decoding) end(mark, depth int) (moved int) {
	if depth > deepLengths {
		n := len(s.out) - mark - 5
		for i := range 4 {
			s.out[mark+i] = byte(n>>(7*i))&0x7f | 0x80
		}
		s.out[mark+4] = byte(n >> 28)
		return 0
	}
	n := len(s.out) - mark - 1
	if n < 0x80 {
		s.out[mark] = byte(n)
		return 0
	}
	for v := n; v >= 0x80; v >>= 7 {
		s.out = append(s.out, 0)
		moved++
	}
	copy(s.out[mark+1+moved:], s.out[mark+1:mark+1+n])
	for i := 0; i < moved; i++ {
		s.out[mark+i] = byte(n>>(7*i)) | 0x80
	}
	s.out[mark+moved] = byte(n >> (7 * moved))
	return moved
}

// subject names the field that the decoder is at, as in "Order.big".
func (s *decoding) subject() string {
	for i := len(s.path) - 1; i >= 0; i-- {
		if f := s.path[i].f; f != nil {
			if f.fd.IsExtension() {
				return f.name
			}
			return string(f.owner.md.Name()) + "." + f.name
		}
	}
	return string(s.root.md.Name())
}
