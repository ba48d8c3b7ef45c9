package formatters

import (
	"context"
	"time"

	"github.com/rpcctl/rpcctl/formatters/internal/memory"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// A Format is a way to print responses.
type Format string

// The formats.
const (
	JSON   Format = "json"   // indented by two spaces, one after another
	NDJSON Format = "ndjson" // a line for each message
	YAML   Format = "yaml"   // a document for each message
	Text   Format = "text"   // the protobuf text format
	Table  Format = "table"  // a row for each message, for people
	Raw    Format = "raw"    // the bytes of the messages, or of one field
	Events Format = "events" // a JSON line for everything that happened
)

// Options say how things are printed. The zero value is right for a pipe.
type Options struct {
	// Types resolves the types of Any, of extensions and of error details. The
	// types of google.rpc and the well-known ones are known without it.
	Types invoke.Types
	// Color paints what is printed with the 16 colours of terminals.
	Color bool
	// Width is the number of columns of the terminal; 0: there is none.
	Width int
	// Live says that somebody is watching: no message waits in a buffer.
	Live bool

	EmitDefaults bool // also fields that have their default value
	ProtoNames   bool // field names as in the schema, not in lowerCamelCase
	Int64Numbers bool // 64-bit integers as JSON numbers, not as strings
	EnumNumbers  bool // enum values as numbers, not as names

	// Columns are the columns of Table, each a field or a path of fields with
	// dots between them; nil: all fields.
	Columns []string
	// Field is a path of fields with dots between them. Raw prints the bytes of
	// that bytes or string field; Table takes the elements of that repeated
	// message field as its rows.
	Field string

	// Filter is a jq program. When it is not nil, JSON and NDJSON print its results for each
	// response; other formats refuse it. FilterRaw prints results that are strings as text
	// rather than as JSON.
	Filter    *Filter
	FilterRaw bool
	// FilterContext interrupts Filter; nil: nothing does. FilterTime bounds the time for each
	// response; 0: it is not bounded.
	FilterContext context.Context
	FilterTime    time.Duration
	// FilterBeside says that there are calls at the same time, which hold messages too.
	FilterBeside bool

	// SecretHeaders reports whether the values of a request header, given by its lower-case
	// name, are secret, besides those that secret.Request knows. May be nil.
	SecretHeaders func(name string) bool
	// Seen holds what was sent as a secret, which is masked in the response's metadata and in
	// the status. May be nil.
	Seen *secret.Seen
	// Label marks each line of Events when there are many calls; nil: no mark.
	Label *Label
}

// A Label distinguishes the calls of one run.
type Label struct {
	Call   int    // 0-based position in the list of calls
	Target string // which target was called, when there are several; else ""
}

// encoding returns the options of a JSON encoder.
func (o *Options) encoding(types invoke.Types, indent string) transcode.EncodeOptions {
	if o.Types != nil {
		types = o.Types
	}
	return transcode.EncodeOptions{
		Types: known{types}, Indent: indent, EmitDefaults: o.EmitDefaults, ProtoNames: o.ProtoNames,
		Int64Numbers: o.Int64Numbers, EnumNumbers: o.EnumNumbers,
		MaxSize: memory.MaxJSON,
	}
}
