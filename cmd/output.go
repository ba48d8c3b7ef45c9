package cmd

import (
	"errors"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/spf13/pflag"
)

// outputOptions are the flags that say how answers are printed.
type outputOptions struct {
	format                    string
	emitDefaults, protoNames  bool
	int64Numbers, enumNumbers bool
	columns                   []string
	field                     string
}

func (o *outputOptions) add(f *pflag.FlagSet) {
	f.StringVarP(&o.format, "output", "o", string(formatters.JSON), "`FORMAT` of the answers: "+formatNames())
	f.BoolVar(&o.emitDefaults, "emit-defaults", false, "print fields at their default value too")
	f.BoolVar(&o.protoNames, "proto-names", false, "print field names as in the schema, not in lowerCamelCase")
	f.BoolVar(&o.int64Numbers, "int64-numbers", false, "print 64-bit integers as JSON numbers, not as strings")
	f.BoolVar(&o.enumNumbers, "enum-numbers", false, "print enum values as numbers")
	f.StringSliceVar(&o.columns, "columns", nil, "columns of -o table: `FIELD,FIELD.FIELD,…`")
	f.StringVar(&o.field, "field", "", "with -o raw the bytes of the field at `PATH`; with -o table the list at PATH as rows")
}

func formatNames() string {
	var names []string
	for _, f := range formatters.Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// resolve returns the output format: -o, or else the one that --format names.
func (o *outputOptions) resolve(f *pflag.FlagSet, format string) (formatters.Format, error) {
	name := o.format
	if !f.Changed("output") && format != "" {
		name = format
	}
	parsed, err := formatters.ParseFormat(name)
	var unknown *formatters.UnknownFormatError
	if errors.As(err, &unknown) {
		hint := ""
		if unknown.Nearest != "" {
			hint = fmt.Sprintf("did you mean -o %s?", unknown.Nearest)
		}
		return "", usage(fmt.Errorf("-o: %w", err), hint)
	}
	return parsed, err
}

// openOutput opens what prints the answers.
func (a *app) openOutput(format formatters.Format, o *outputOptions, types invoke.Types) (formatters.Formatter, error) {
	f, err := formatters.New(format, a.env.Stdout, formatters.Options{
		Types:        types,
		Color:        a.colour(a.env.StdoutTTY),
		Width:        a.env.Width,
		Live:         a.env.StdoutTTY,
		EmitDefaults: o.emitDefaults,
		ProtoNames:   o.protoNames,
		Int64Numbers: o.int64Numbers,
		EnumNumbers:  o.enumNumbers,
		Columns:      o.columns,
		Field:        o.field,
	})
	if errors.Is(err, formatters.ErrTerminal) {
		return nil, usage(err, "send it to a file or a pipe: > FILE")
	}
	return f, err
}
