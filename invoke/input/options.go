package input

import (
	"context"
	"io"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// A Part is one piece of a request as it was given: what follows -d, or an argument.
type Part struct {
	Text   string // a document, "@file", "-", "field=value" or "field:=JSON"
	Data   bool   // from -d: never a word, and "" is no document at all
	Origin string // for messages: "-d", "argument 2"
}

// DefaultMaxSize is Options.MaxSize when that is 0, in bytes.
const DefaultMaxSize = 64 << 20

// Options say what messages the parts make.
type Options struct {
	Message      protoreflect.MessageDescriptor
	Types        invoke.Types // resolves Any and extensions; nil: nothing resolves
	Streams      bool         // the client streams: any number of messages, not one
	Format       Format       // of all documents; FormatAuto: by a file's extension, else JSON
	Strict       bool         // JSON by the protobuf JSON mapping only; else also what a person types
	AllowUnknown bool         // skip unknown fields and enum names of documents; in words they stay errors
	MaxSize      int64        // of one document, and of a file that a word names, bytes; 0: DefaultMaxSize
	Stdin        io.Reader    // nil: empty. It is never closed
	// Open opens a file; nil: os.Open. Open, and reading from its result, may block: files of
	// parts are read by a goroutine that is left behind when the context is done. Files that
	// words name are read by New.
	Open func(name string) (io.ReadCloser, error)
	// ReadFile reads a file that a word names, of at most limit bytes; nil: it uses Open or,
	// without that, boundfile.Read.
	ReadFile func(name string, limit int64) ([]byte, error)
	Now      func() time.Time // for "now"; nil: time.Now
	// Secrets returns the places of secret values in a text of input, which no error may show:
	// where each begins and ends, sorted, without overlaps. nil: there are none.
	Secrets func(text string) [][2]int

	json *transcode.Decoder // of Message, once it is needed
}

func (o *Options) maxSize() int64 {
	if o.MaxSize > 0 {
		return o.MaxSize
	}
	return DefaultMaxSize
}

func (o *Options) types() invoke.Types {
	if o.Types != nil {
		return o.Types
	}
	return new(protoregistry.Types)
}

func (o *Options) open(ctx context.Context, name string) (io.ReadCloser, error) {
	if o.Open != nil {
		return o.Open(name)
	}
	return boundfile.Open(ctx, name)
}

// content reads a whole file.
func (o *Options) content(name string) ([]byte, error) {
	if o.ReadFile != nil {
		return o.ReadFile(name, o.maxSize())
	}
	if o.Open == nil {
		return boundfile.Read(context.Background(), name, o.maxSize())
	}
	r, err := o.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, o.maxSize()+1))
	if err == nil && int64(len(content)) > o.maxSize() {
		err = &boundfile.SizeError{Path: name, Limit: o.maxSize()}
	}
	return content, err
}

// decoder returns the decoder of JSON documents.
func (o *Options) decoder() *transcode.Decoder {
	if o.json == nil {
		o.json = transcode.NewDecoder(o.Message, transcode.DecodeOptions{
			Types: o.types(), Lenient: !o.Strict, AllowUnknown: o.AllowUnknown, Now: o.Now,
		})
	}
	return o.json
}
