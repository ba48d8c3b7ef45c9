package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/outfile"
)

// exportOptions say where the schema is written to.
type exportOptions struct{ protoDir, protoset string }

func (o *exportOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.protoDir, "proto-out-dir", "", "write the schema as .proto files below `DIR`")
	f.StringVar(&o.protoset, "protoset-out", "", "write the schema as a descriptor set to `FILE`; - is standard output")
}

func (o *exportOptions) isSet() bool { return o.protoDir != "" || o.protoset != "" }

func newExport(a *app.App) *cobra.Command {
	var timeout flags.Seconds
	o := &exportOptions{}
	c := &cobra.Command{
		Use:   "export [SYMBOL...]",
		Short: "Write the schema as .proto files or a descriptor set",
		Long: `Write the files that declare symbols, and all that they import, as .proto files
below a folder or as one descriptor set. Without a symbol, all of the schema.

  rpcctl -a localhost:50051 export --proto-out-dir protos
  rpcctl -a localhost:50051 export Shop --protoset-out shop.binpb

Names of files that would lead out of the folder are refused.`,
		RunE: func(c *cobra.Command, args []string) error {
			defer app.Within(c, timeout)()
			return export(a, c, o, args)
		},
	}
	app.AddTimeout(c.Flags(), &timeout)
	o.add(c.Flags())
	return c
}

func export(a *app.App, c *cobra.Command, o *exportOptions, names []string) error {
	if !o.isSet() {
		return problem.Usage(errors.New("export: nowhere to write to"), "--proto-out-dir DIR or --protoset-out FILE")
	}
	source, err := a.Source(c.Context(), c.Flags())
	if err != nil {
		return err
	}
	if len(names) == 0 {
		files, faults, err := discovery.Files(c.Context(), source)
		if err != nil {
			return err
		}
		return writeSchema(a, o, files, faults)
	}
	symbols, err := findSymbols(c.Context(), source, names)
	if err != nil {
		return err
	}
	return writeSchema(a, o, discovery.Closure(symbols...), nil)
}

func findSymbols(ctx context.Context, source discovery.Source, names []string) ([]protoreflect.Descriptor, error) {
	var symbols []protoreflect.Descriptor
	for _, name := range names {
		d, err := discovery.FindAny(ctx, source, name)
		if err != nil {
			return nil, err
		}
		symbols = append(symbols, d)
	}
	return symbols, nil
}

// writeSchema writes files in the ways that are wanted. What is wrong with one of them
// does not keep the others from being written.
func writeSchema(a *app.App, o *exportOptions, files []protoreflect.FileDescriptor, faults []error) error {
	if len(files) == 0 {
		return problem.WithFaults(errors.New("there is nothing to export"), faults)
	}
	for _, f := range files {
		for i := range f.Imports().Len() {
			if imp := f.Imports().Get(i); imp.IsPlaceholder() {
				faults = append(faults,
					fmt.Errorf("%q imports %q, which is not to be had: it will not compile", f.Path(), imp.Path()))
			}
		}
	}
	if o.protoset != "" {
		if err := writeSet(a, o.protoset, files); err != nil {
			return problem.WithFaults(fmt.Errorf("writing the descriptor set: %w", err), faults)
		}
	}
	if o.protoDir != "" {
		wrong, err := writeProtos(o.protoDir, files)
		faults = append(faults, wrong...)
		if err != nil {
			return problem.WithFaults(fmt.Errorf("writing .proto files: %w", err), faults)
		}
	}
	if len(faults) > 0 {
		return problem.Skipped("not all of the schema was written", faults)
	}
	return nil
}

// writeSet writes files as a descriptor set, beside its name and then under it; - is
// standard output.
func writeSet(a *app.App, name string, files []protoreflect.FileDescriptor) error {
	if name == "-" {
		if a.Env.StdoutTTY {
			return problem.Usage(formatters.ErrTerminal, "send them elsewhere: --protoset-out FILE, or a pipe")
		}
		return appendSet(a.Env.Stdout, files)
	}
	out, err := outfile.Create(name)
	if err != nil {
		return err
	}
	if err := appendSet(out, files); err != nil {
		return errors.Join(err, out.Abandon())
	}
	return out.Finish()
}

func appendSet(w io.Writer, files []protoreflect.FileDescriptor) error {
	for _, f := range files {
		raw, err := proto.MarshalOptions{
			Deterministic: true,
			AllowPartial:  true,
		}.Marshal(protodesc.ToFileDescriptorProto(f))
		if err != nil {
			return err
		}
		head := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.BytesType), uint64(len(raw)))
		if _, err := w.Write(append(head, raw...)); err != nil {
			return err
		}
	}
	return nil
}

// writeProtos writes files below a folder, which is made if need be. Those of
// google/protobuf are left out: every compiler has them. The faults are files that
// could not be written for what they are; the error ends the writing.
func writeProtos(dir string, files []protoreflect.FileDescriptor) (faults []error, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	taken := map[string]string{} // by name without regard to case, as some file systems have it
	for _, f := range files {
		name := f.Path()
		if f.Package() == "google.protobuf" && strings.HasPrefix(name, "google/protobuf/") {
			continue
		}
		fold := strings.ToLower(name)
		switch other, twice := taken[fold]; {
		case !safePath(name):
			faults = append(faults, fmt.Errorf("%q: not the name of a file below the folder", name))
			continue
		case twice:
			faults = append(faults, fmt.Errorf("%q: the same name as %q where case does not count", name, other))
			continue
		}
		taken[fold] = name
		var text bytes.Buffer
		if err := formatters.WriteSource(&text, f); err != nil {
			faults = append(faults, err)
			continue
		}
		if err := writeBelow(root, name, text.Bytes()); err != nil {
			var conflict *conflictError
			if errors.As(err, &conflict) {
				faults = append(faults, err)
				continue
			}
			return faults, err
		}
	}
	return faults, nil
}

// safePath reports whether a name from outside is that of a file below a folder, on
// every system: no way up, no device, nothing hidden from a listing.
func safePath(name string) bool {
	if !fs.ValidPath(name) || name == "." || len(name) > 1024 || !strings.HasSuffix(name, ".proto") {
		return false
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		base, _, _ := strings.Cut(strings.ToLower(part), ".")
		if strings.HasPrefix(part, ".") || len(part) > 200 || device(base) || strings.HasSuffix(part, " ") ||
			strings.HasSuffix(part, ".") {
			return false
		}
		if strings.ContainsFunc(part,
			func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(`\:*?"<>|`, r) }) {
			return false
		}
	}
	return true
}

// device reports whether a name is that of a device wherever it stands
// (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
func device(base string) bool {
	switch base {
	case "con", "prn", "aux", "nul", "conin$", "conout$":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '0' &&
		base[3] <= '9'
}

// A conflictError is a file that cannot be where it should because something else
// is there.
type conflictError struct {
	name string
	err  error
}

func (e *conflictError) Error() string { return fmt.Sprintf("%q: %v", e.name, e.err) }
func (e *conflictError) Unwrap() error { return e.err }

// writeBelow writes a file below a folder, beside its name and then under it. Links
// that lead out of the folder are not followed.
func writeBelow(root *os.Root, name string, text []byte) error {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return &conflictError{name, err}
		}
	}
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return &conflictError{name, fmt.Errorf("there is something else of that name, %s", info.Mode().Type())}
	}
	if err := outfile.Replace(root, name, text, outfile.Options{}); err != nil {
		return &conflictError{name, err}
	}
	return nil
}
