package discovery_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
)

// What is built from a set says what the set says.
func TestProtosetIsFaithful(t *testing.T) {
	var all descriptorpb.FileDescriptorSet
	// Custom options stay as they came.
	o := proto.UnmarshalOptions{Resolver: (*protoregistry.Types)(nil)}
	if err := o.Unmarshal(testserver.Protoset(), &all); err != nil {
		t.Fatal(err)
	}
	s := demoSet(t)
	for _, want := range all.File {
		if want.GetPackage() == "google.protobuf" {
			continue // the linked ones stand in
		}
		for _, m := range want.MessageType {
			d, err := s.Find(t.Context(), protoreflect.FullName(want.GetPackage()).Append(protoreflect.Name(m.GetName())))
			if err != nil {
				t.Error(err)
				continue
			}
			if got := protodesc.ToFileDescriptorProto(d.ParentFile()); !proto.Equal(want, got) {
				t.Error(cmp.Diff(want, got, protocmp.Transform()))
			}
		}
	}
	if _, err := s.Find(t.Context(), "rpcctl.demo.v1.Nothing"); !errors.Is(err, discovery.ErrNotFound) {
		t.Error(err)
	}
}

// Only what is asked for is built: an invalid file spoils only what needs it.
func TestProtosetIsLazy(t *testing.T) {
	good := fileProto(t, `name: "good.proto" package: "p" syntax: "proto3" message_type { name: "Good" }`)
	bad := fileProto(t, `name: "bad.proto" package: "p" syntax: "proto3" message_type { name: "Bad" field { name: "f" number: -1 type: TYPE_STRING } }`)
	needs := fileProto(t, `name: "needs.proto" package: "p" syntax: "proto3" dependency: "bad.proto" dependency: "good.proto"
		message_type { name: "Needs" field { name: "bad" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.Bad" } }
		message_type { name: "NeedsNot" field { name: "good" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".p.Good" } }
		service { name: "S"
			method { name: "Broken" input_type: ".p.Needs" output_type: ".p.Good" }
			method { name: "Whole" input_type: ".p.NeedsNot" output_type: ".p.Good" } }`)
	s, err := discovery.ParseProtoset("test.binpb", protoset(t, needs, bad, good))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for name, want := range map[protoreflect.FullName]string{
			"p.Good": "", "p.Needs": "", "p.NeedsNot": "", "p.S": "",
			"p.Bad": `descriptor of "bad.proto" from test.binpb: field "p.Bad.f" has number -1`,
		} {
			if _, err := s.Find(t.Context(), name); err == nil && want != "" || err != nil && err.Error() != want {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
		}
		if _, err := discovery.FindMethod(t.Context(), s, "S/Whole"); err != nil {
			t.Error(err)
		}
		_, err := discovery.FindMethod(t.Context(), s, "S/Broken")
		var de *discovery.DescriptorError
		if !errors.As(err, &de) || de.Symbol != "p.Needs.bad" || !strings.Contains(err.Error(), "bad.proto") {
			t.Errorf("error %v", err)
		}
	}
}

func TestOpenProtoset(t *testing.T) {
	file := func(text string) *descriptorpb.FileDescriptorProto { return fileProto(t, text) }
	one := file(`name: "one.proto" package: "p" syntax: "proto3" message_type { name: "One" }`)
	other := file(`name: "one.proto" package: "p" syntax: "proto3" message_type { name: "Other" }`)
	two := file(`name: "two.proto" package: "p" syntax: "proto3" message_type { name: "Two" }`)
	// An image of buf has a field of its own in each file
	// (https://buf.build/docs/reference/descriptors/).
	image := file(`name: "image.proto" package: "p" syntax: "proto3" message_type { name: "Image" }`)
	image.ProtoReflect().SetUnknown([]byte("\xd2\xf6\x03\x02\x08\x01"))
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a, b := write("a.binpb", protoset(t, one)), write("b.binpb", protoset(t, other, two, image, two))
	s, err := discovery.OpenProtoset(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []protoreflect.FullName{"p.One", "p.Two", "p.Image"} {
		if _, err := s.Find(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Find(t.Context(), "p.Other"); !errors.Is(err, discovery.ErrNotFound) {
		t.Errorf("the second set's file: %v", err)
	}

	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "the file is empty"},
		"json":      {[]byte(`{"file":[]}`), "JSON"},
		"gzip":      {[]byte("\x1f\x8b\x08\x00"), "gzip"},
		"png":       {[]byte("\x89PNG\r\n\x1a\n"), "not a descriptor set"},
		"text":      {[]byte("syntax = \"proto3\";"), "not a descriptor set"},
		"one file":  {mustMarshal(t, one), "reading a file descriptor"},
		"cut":       {protoset(t, one, two)[:40], "descriptor set"},
		"no name":   {protoset(t, file(`package: "p"`)), "no name"},
		"control":   {protoset(t, file(`name: "a\033[2J.proto"`)), "control character"},
		"package":   {protoset(t, file(`name: "a.proto" package: "a..b"`)), "is not one"},
		"service":   {protoset(t, file(`name: "a.proto" service { name: "a b" }`)), "is not one"},
		"not UTF-8": {protoset(t, &descriptorpb.FileDescriptorProto{Name: proto.String("a\xff.proto")}), "not UTF-8"},
	} {
		_, err := discovery.OpenProtoset(t.Context(), write(name, test.data))
		var de *discovery.DescriptorError
		if !errors.As(err, &de) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, test.want)
		}
	}
	// One invalid file does not hide the others.
	s, err = discovery.OpenProtoset(t.Context(), write("some", protoset(t, one, file(`name: "a\033[2J.proto"`), other, two)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), "p.Two"); err != nil {
		t.Error(err)
	}
	var faults []string
	for _, f := range discovery.Faults(discovery.Layer(s)) {
		faults = append(faults, strings.ReplaceAll(f.Error(), dir, ""))
	}
	want := []string{
		`descriptor of "a\x1b[2J.proto" from /some: the name of a file descriptor, "a\x1b[2J.proto", has a control character`,
		`descriptor of "one.proto" from /some: the file is there twice, and the two differ`,
	}
	if diff := cmp.Diff(want, faults); diff != "" {
		t.Error(diff)
	}
	if _, err := discovery.OpenProtoset(t.Context(), filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func mustMarshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Editions through 2024 are read, with what they change.
func TestProtosetEditions(t *testing.T) {
	for _, edition := range []string{"EDITION_2023", "EDITION_2024"} {
		s := set(t, `name: "e.proto" package: "e" syntax: "editions" edition: `+edition+`
			message_type { name: "M"
				field { name: "explicit" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
				field { name: "implicit" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING options { features { field_presence: IMPLICIT } } }
				field { name: "group" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".e.M" options { features { message_encoding: DELIMITED } } }
				field { name: "unpacked" number: 4 label: LABEL_REPEATED type: TYPE_INT32 options { features { repeated_field_encoding: EXPANDED } } } }
			option_dependency: "not/there.proto"`)
		fields := message(t, s, "e.M").Fields()
		got := []any{
			fields.ByName("explicit").HasPresence(), fields.ByName("implicit").HasPresence(),
			fields.ByName("group").Kind(), fields.ByName("unpacked").IsPacked(),
		}
		if diff := cmp.Diff([]any{true, false, protoreflect.GroupKind, false}, got); diff != "" {
			t.Errorf("%s: %s", edition, diff)
		}
	}
}

// What is found once is found again in the set that was received: that is how it is cached.
func TestReflectionSet(t *testing.T) {
	tr, _ := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	if _, err := discovery.FindMethod(t.Context(), r, "Lab/Echo"); err != nil {
		t.Fatal(err)
	}
	s, err := discovery.ParseProtoset("cache", r.Set())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := discovery.FindMethod(t.Context(), s, "Lab/Echo"); err != nil {
		t.Error(err)
	}
}

// A field without a kind, of a type that nothing declares, gets a kind: code that reads and
// writes messages would panic.
func TestProtosetUnsaidTypes(t *testing.T) {
	s, err := discovery.ParseProtoset("test", protoset(t, fileProto(t, `name: "a.proto" syntax: "proto2"
		message_type { name: "M" extension_range { start: 100 end: 200 }
			field { name: "one" number: 1 label: LABEL_OPTIONAL type_name: ".gone.T" }
			field { name: "many" number: 2 label: LABEL_REPEATED type_name: "T" }
			field { name: "chosen" number: 3 label: LABEL_OPTIONAL type_name: ".gone.T" default_value: "A" }
			field { name: "map" number: 4 label: LABEL_REPEATED type_name: ".M.MapEntry" }
			nested_type { name: "MapEntry" options { map_entry: true }
				field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
				field { name: "value" number: 2 label: LABEL_OPTIONAL type_name: ".gone.T" } } }
		extension { name: "more" number: 100 extendee: ".M" label: LABEL_OPTIONAL type_name: ".gone.T" }`)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.Find(t.Context(), "M")
	if err != nil {
		t.Fatal(err)
	}
	fields := d.(protoreflect.MessageDescriptor).Fields()
	more, err := s.Find(t.Context(), "more")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range []protoreflect.FieldDescriptor{
		fields.ByName("one"), fields.ByName("many"), fields.ByName("chosen"),
		fields.ByName("map"), fields.ByName("map").MapValue(), more.(protoreflect.FieldDescriptor),
	} {
		got[string(f.Name())] = f.Kind().String()
	}
	want := map[string]string{
		"one": "message", "many": "message", "chosen": "enum", "map": "message", "value": "message", "more": "message",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !fields.ByName("map").IsMap() {
		t.Error("the map is none")
	}
}

func TestClosure(t *testing.T) {
	s := demoSet(t)
	d, err := s.Find(t.Context(), "rpcctl.demo.v1.Shop")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range discovery.Closure(d, d) {
		for i := range f.Imports().Len() {
			if path := f.Imports().Get(i).Path(); !seen[path] {
				t.Errorf("%s comes before %s, which it imports", f.Path(), path)
			}
		}
		if seen[f.Path()] {
			t.Errorf("%s is there twice", f.Path())
		}
		seen[f.Path()] = true
	}
	if !seen["rpcctl/demo/v1/shop.proto"] || !seen["google/protobuf/timestamp.proto"] || seen["rpcctl/demo/v1/lab.proto"] {
		t.Errorf("files %v", seen)
	}
}
