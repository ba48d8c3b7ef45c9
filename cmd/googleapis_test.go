package cmd_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/invoke"
	requests "github.com/rpcctl/rpcctl/invoke/input"
)

// googleapis returns where all of googleapis is: a folder of .proto files, or a
// descriptor set of them.
func googleapis(t *testing.T) (path string, source discovery.Source, flags []string) {
	t.Helper()
	path = os.Getenv("RPCCTL_GOOGLEAPIS")
	if path == "" {
		t.Skip("RPCCTL_GOOGLEAPIS names no folder or descriptor set of googleapis; the npm package google-proto-files has one")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	flags = []string{"--protoset", path}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		source, err = discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{ImportPaths: []string{path}, Files: []string{path}})
		flags = []string{"--proto", path, "-I", path}
	} else {
		source, err = discovery.OpenProtoset(t.Context(), path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path, source, flags
}

// services returns all services of a source.
func services(t *testing.T, source discovery.Source) (all []protoreflect.ServiceDescriptor) {
	t.Helper()
	names, err := source.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		d, err := source.Find(t.Context(), n)
		if err != nil {
			t.Errorf("%s: %v", n, err)
			continue
		}
		all = append(all, d.(protoreflect.ServiceDescriptor))
	}
	return all
}

// Every service of googleapis is described, every request can be filled in and sent
// as it is, and what is exported compiles to the same again.
func TestGoogleapis(t *testing.T) {
	_, source, flags := googleapis(t)
	all := services(t, source)
	if len(all) < 1800 {
		t.Errorf("%d services", len(all))
	}
	t.Run("describe", func(t *testing.T) {
		got := run(t, "", "", append(flags, "describe")...)
		if n := strings.Count(got.Stdout, " is a service:\n"); got.Code != 0 || n != len(all) {
			t.Errorf("exit code %d, %d of %d services: %.2000s", got.Code, n, len(all), got.Stderr)
		}
	})
	t.Run("skeleton", func(t *testing.T) { skeletons(t, source, all) })
	t.Run("dry run", func(t *testing.T) {
		dir := t.TempDir()
		for i := 0; i < len(all); i += 200 {
			for _, format := range []string{"text", "json", "yaml"} {
				method := string(all[i].Methods().Get(0).FullName())
				filled := run(t, "", "", append(flags, "describe", "--skeleton", method, "-o", format)...)
				file := filepath.Join(dir, "request."+strings.Replace(format, "text", "json", 1))
				if err := os.WriteFile(file, []byte(filled.Stdout), 0o600); err != nil {
					t.Fatal(err)
				}
				if got := run(t, "", "", append(flags, "call", method, "@"+file, "--dry-run")...); got.Code != 0 {
					t.Errorf("%s: %+v", method, got)
				}
			}
		}
	})
	t.Run("export", func(t *testing.T) {
		dir := t.TempDir()
		if got := run(t, "", "", append(flags, "export", "--proto-out-dir", dir)...); got.Code != 0 {
			t.Fatalf("exit code %d: %.4000s", got.Code, got.Stderr)
		}
		files, faults, err := discovery.Files(t.Context(), source)
		if err != nil || len(faults) > 0 {
			t.Fatal(err, faults)
		}
		n := compareFiles(t.Context(), t, source, files, recompiled(t.Context(), t, dir, files))
		t.Logf("%d files are the same", n)
	})
}

var memberLine = regexp.MustCompile(`(?m)^[ /]*"[^"\\]*": `)

// skeletons makes the request of every method in both forms, reads it, and counts
// what it names against the descriptor.
func skeletons(t *testing.T, source discovery.Source, all []protoreflect.ServiceDescriptor) {
	types := discovery.Types(t.Context(), source)
	seen := map[protoreflect.FullName]bool{}
	for _, s := range all {
		for i := range s.Methods().Len() {
			m := s.Methods().Get(i)
			if seen[m.Input().FullName()] {
				continue
			}
			seen[m.Input().FullName()] = true
			for _, form := range []skeleton.Form{skeleton.JSON, skeleton.YAML} {
				text, err := skeleton.Commented(m.Input(), form)
				if err != nil {
					t.Fatalf("%s: %v", m.FullName(), err)
				}
				options := requests.Options{Message: m.Input(), Types: types, Format: requests.Format(form), Streams: m.IsStreamingClient()}
				r, err := requests.New([]requests.Part{{Text: string(text), Data: true, Origin: "the skeleton"}}, options)
				if err == nil {
					_, err = r.Next(t.Context())
				}
				if err != nil {
					t.Errorf("%s, %s: %v", invoke.MethodName(m), form, err)
				}
				if form == skeleton.JSON {
					c := &counter{inside: map[protoreflect.FullName]int{}, named: map[protoreflect.FullName]bool{}}
					c.message(m.Input(), 0)
					if got := len(memberLine.FindAll(text, -1)); got != c.lines {
						t.Errorf("%s: names %d fields and keys, want %d", invoke.MethodName(m), got, c.lines)
					}
					c.complete(t, m.Input())
				}
			}
		}
	}
	t.Logf("%d requests", len(seen))
}

// A counter counts the fields that a skeleton names: all of each message, except inside of
// itself and, when many are named, fields that were named before.
type counter struct {
	inside        map[protoreflect.FullName]int
	named         map[protoreflect.FullName]bool
	fields, lines int
}

func (c *counter) message(md protoreflect.MessageDescriptor, depth int) (empty bool) {
	if md.ParentFile().Package() == "google.protobuf" && md.ParentFile().Path() != "google/protobuf/descriptor.proto" && md.Name() != "Empty" && !rare(md) {
		return false
	}
	name := md.FullName()
	if c.inside[name] > 0 || depth > 32 || c.named[name] && c.fields > skeleton.MaxFields {
		return true
	}
	c.inside[name]++
	c.named[name] = true
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		c.fields++
		c.lines++
		switch {
		case f.IsMap() && f.MapValue().Message() == nil:
			c.lines++
		case f.IsMap():
			if !c.message(f.MapValue().Message(), depth+1) {
				c.lines++
			}
		case f.Message() != nil:
			c.message(f.Message(), depth+1)
		}
	}
	c.inside[name]--
	return md.Fields().Len() == 0
}

// rare reports whether a message of google.protobuf has no JSON form of its own.
func rare(md protoreflect.MessageDescriptor) bool {
	switch md.ParentFile().Path() {
	case "google/protobuf/api.proto", "google/protobuf/type.proto", "google/protobuf/source_context.proto":
		return true
	}
	return false
}

// complete checks that the fields of every message that a request can hold were
// named.
func (c *counter) complete(t *testing.T, md protoreflect.MessageDescriptor) {
	for _, d := range discovery.Reach(md) {
		m, ok := d.(protoreflect.MessageDescriptor)
		if ok && !m.IsMapEntry() && !c.named[m.FullName()] && m.ParentFile().Package() != "google.protobuf" {
			t.Errorf("%s: the fields of %s are not named", md.FullName(), m.FullName())
		}
	}
}
