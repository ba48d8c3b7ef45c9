// Package output has the flags that say how responses are printed, and opens what prints them: a
// formatter on standard output, or on a file that gets its name when it is whole.
package output

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/globals"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/invoke"
)

// Options are the flags that say how responses are printed.
type Options struct {
	format                    string
	file                      string
	emitDefaults, protoNames  bool
	int64Numbers, enumNumbers bool
	columns                   []string
	field                     string
	jq                        string
	jqRaw                     bool
}

// Add defines the flags.
func (o *Options) Add(f *pflag.FlagSet) {
	f.StringVarP(&o.format, "output", "o", string(formatters.JSON), "`FORMAT` of the answers: "+FormatNames())
	f.StringVar(&o.file, "output-file", "", "write the answers to `FILE`, when the call is done; - is standard output")
	f.StringVar(&o.jq, "jq", "", "print the results of a jq `PROGRAM` for each answer")
	f.BoolVar(&o.jqRaw, "jq-raw", false, "print strings among the results of --jq without quotes")
	f.BoolVar(&o.emitDefaults, "emit-defaults", false, "print fields at their default value too")
	f.BoolVar(&o.protoNames, "proto-names", false, "print field names as in the schema, not in lowerCamelCase")
	f.BoolVar(&o.int64Numbers, "int64-numbers", false, "print 64-bit integers as JSON numbers, not as strings")
	f.BoolVar(&o.enumNumbers, "enum-numbers", false, "print enum values as numbers")
	f.StringSliceVar(&o.columns, "columns", nil, "columns of -o table: `FIELD,FIELD.FIELD,...`")
	f.StringVar(&o.field, "field", "",
		"with -o raw the bytes of the field at `PATH`; with -o table the list at PATH as rows")
}

// FormatNames returns the names of the formats for the text of a flag.
func FormatNames() string {
	var names []string
	for _, f := range formatters.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// Resolve returns the output format: -o, or else the one that is usual.
func (o *Options) Resolve(f *pflag.FlagSet, usual string) (formatters.Format, error) {
	name := o.format
	if !f.Changed("output") && usual != "" {
		name = usual
	}
	parsed, err := formatters.ParseFormat(name)
	var unknown *formatters.UnknownFormatError
	if errors.As(err, &unknown) {
		hint := ""
		if unknown.Nearest != "" {
			hint = fmt.Sprintf("did you mean -o %s?", unknown.Nearest)
		}
		return "", problem.Usage(fmt.Errorf("-o: %w", err), hint)
	}
	if o.file == "" && f.Changed("output-file") {
		return "", problem.Usage(errors.New("--output-file: no name of a file"),
			"without the flag, answers go to standard output")
	}
	return parsed, cmp.Or(err, o.fits(parsed))
}

// fits returns a usage error for flags that have no meaning with a format.
func (o *Options) fits(format formatters.Format) error {
	switch {
	case o.jq != "" && format != formatters.JSON && format != formatters.NDJSON:
		return problem.Usage(fmt.Errorf("--jq gives JSON, and -o asks for %s", format), "")
	case len(o.columns) > 0 && format != formatters.Table:
		return problem.Usage(fmt.Errorf("--columns is for -o %s, not %s", formatters.Table, format), "")
	case o.field != "" && format != formatters.Table && format != formatters.Raw:
		return problem.Usage(fmt.Errorf("--field is for -o %s and -o %s, not %s", formatters.Raw, formatters.Table,
			format), "")
	case o.jqRaw && o.jq == "":
		return problem.Usage(errors.New("--jq-raw is for what --jq prints"), "")
	}
	return nil
}

// An Output is where the answers go: a formatter on standard output, or on a file
// that is written aside.
type Output struct {
	formatters.Formatter
	file *outfile.File // nil: standard output
	lost bool          // not all that was printed has arrived
}

// New returns an output that has no formatter yet. file is nil for standard output.
func New(file *outfile.File) *Output { return &Output{file: file} }

// Whole reports whether all that was printed has arrived.
func (o *Output) Whole() bool { return !o.lost }

// A Printing is what is printed, and how.
type Printing struct {
	Env     *env.Env
	Globals *globals.Flags
	Format  formatters.Format
	Types   invoke.Types  // of the messages; may be nil
	Limit   time.Duration // of --jq for one response; 0: none
}

// On returns the printing on the streams of another environment.
func (p Printing) On(env *env.Env) Printing {
	p.Env = env
	return p
}

// Open opens what prints the responses. A program of --jq ends when ctx does.
func (o *Options) Open(ctx context.Context, p Printing) (*Output, error) {
	w, options, file, err := o.Writer(ctx, p)
	if err != nil {
		return nil, err
	}
	out := New(file)
	if out.Formatter, err = formatters.New(p.Format, w, options); err != nil {
		return nil, errors.Join(TerminalError(err), out.file.Abandon())
	}
	return out, nil
}

// Form returns the options that say which form the values in a message have.
func (o *Options) Form(types invoke.Types) formatters.Options {
	return formatters.Options{
		Types:        types,
		EmitDefaults: o.emitDefaults,
		ProtoNames:   o.protoNames,
		Int64Numbers: o.int64Numbers,
		EnumNumbers:  o.enumNumbers,
	}
}

// Writer opens what responses are written to: file, unless that is nil.
func (o *Options) Writer(
	ctx context.Context, p Printing,
) (w io.Writer, options formatters.Options, file *outfile.File, err error) {
	options = o.Form(p.Types)
	options.Color = p.Env.Colored(p.Globals.Color.Value, p.Env.StdoutTTY)
	options.Width, options.Live = p.Env.Width, p.Env.StdoutTTY
	options.Columns, options.Field = o.columns, o.field
	options.FilterRaw, options.FilterContext, options.FilterTime = o.jqRaw, ctx, p.Limit
	options.SecretHeaders, options.Seen = p.Globals.Hidden, p.Env.Secrets
	if o.jq != "" {
		if options.Filter, err = formatters.ParseFilter(o.jq); err != nil {
			return nil, options, nil, err
		}
	}
	if o.file == "" || o.file == "-" {
		return p.Env.Stdout, options, nil, nil
	}
	if file, err = outfile.Create(o.file); err != nil {
		return nil, options, nil, err
	}
	options.Color, options.Width, options.Live = p.Globals.Color.Value == "always", 0, false
	return file, options, file, nil
}

// TerminalError adds the next step to the refusal of raw bytes on a terminal.
func TerminalError(err error) error {
	if errors.Is(err, formatters.ErrTerminal) {
		return problem.Usage(err, "send them elsewhere: --output-file FILE, or a pipe")
	}
	return err
}

// Close ends the output of a call that ended in err, and returns all that went
// wrong, each thing once. A file gets its name only when nothing did.
func (o *Output) Close(err error) error {
	ferr := o.Flush()
	o.lost = ferr != nil
	if !errors.Is(err, ferr) {
		err = errors.Join(err, ferr)
	}
	if o.file == nil {
		return err
	}
	if err == nil {
		err = o.file.Finish()
		o.lost = err != nil
		return err
	}
	return errors.Join(err, o.file.Keep())
}
