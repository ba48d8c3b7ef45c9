package formatters

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares got with testdata/name.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// compile compiles schemas that lie in testdata.
func compile(t testing.TB, names ...string) *protoregistry.Files {
	t.Helper()
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"testdata"}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := c.Compile(t.Context(), names...)
	if err != nil {
		t.Fatal(err)
	}
	files := new(protoregistry.Files)
	for _, f := range compiled {
		if err := files.RegisterFile(f); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func kitchen(t testing.TB) *protoregistry.Files { return compile(t, "kitchen.proto") }

func descriptor[D protoreflect.Descriptor](t testing.TB, files *protoregistry.Files, name protoreflect.FullName) D {
	t.Helper()
	d, err := files.FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.(D)
}

func dish(t testing.TB) protoreflect.MessageDescriptor {
	return descriptor[protoreflect.MessageDescriptor](t, kitchen(t), "kitchen.v1.Dish")
}

// message makes a message of the type from its text form.
func message(t testing.TB, md protoreflect.MessageDescriptor, text string) *invoke.Message {
	t.Helper()
	m := dynamicpb.NewMessage(md)
	o := prototext.UnmarshalOptions{AllowPartial: true, Resolver: dynamicpb.NewTypes(filesOf(md))}
	if err := o.Unmarshal([]byte(text), m); err != nil {
		t.Fatal(err)
	}
	b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return &invoke.Message{Desc: md, Wire: b}
}

func filesOf(d protoreflect.Descriptor) *protoregistry.Files {
	files := new(protoregistry.Files)
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if _, err := files.FindFileByPath(fd.Path()); err == nil {
			return
		}
		_ = files.RegisterFile(fd)
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i))
		}
	}
	add(d.ParentFile())
	return files
}

var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func atTime(d time.Duration) time.Time { return start.Add(d) }

func response(m *invoke.Message, seq int) *invoke.Event {
	return &invoke.Event{Kind: invoke.ResponseReceived, At: atTime(time.Duration(seq) * time.Millisecond), Seq: seq, Message: m}
}

// print prints messages and returns what was written.
func print(t testing.TB, f Format, o Options, messages ...*invoke.Message) string {
	t.Helper()
	var b strings.Builder
	p, err := New(f, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range messages {
		if err := p.Event(response(m, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// full is a dish with nearly everything in it.
const full = `
name: "Pho \"special\" \\ \n\t\u009b\u202e ☃ 😀" photo: "\x00\xff" vegan: true pieces: -3 s32: -4 u32: 5 f32: 6 sf32: -7
price_cents: 9007199254740993 s64: -10 u64: 18446744073709551615 f64: 12 sf64: -13 weight: 1.5 energy: 1e300 heat: HEAT_HOT
side { name: "rice" side { pieces: 1 } } steps: [1, 2, 3] tags: ["a", "true", "10", "", "x: y"] parts { name: "p1" } parts {}
labels { key: "k" value: "v" } labels { key: "a b" value: "" } by_number { key: -5 value { name: "five" } }
by_truth { key: true value: HEAT_MILD } note: "" cash: "cash" heats: [HEAT_MILD, 77] scans: ["", "ab"]
made { seconds: 1700000000 nanos: 5000000 } took { seconds: -3 nanos: -500000000 }
extra { [type.googleapis.com/kitchen.v1.Dish] { name: "inside" } }
free { fields { key: "n" value { null_value: NULL_VALUE } } fields { key: "l" value { number_value: 1.5 } } }
value { string_value: "v" } mask { paths: ["a", "b.c"] } boxed { value: "b" } boxed64 { value: 64 }
`

// harmless reports the first character in s that must not reach a terminal.
func harmless(t *testing.T, what, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%s: not UTF-8: %q", what, s)
	}
	for i, r := range s {
		if transcode.Hidden(r) && r != '\n' && r != '\t' {
			t.Fatalf("%s: %U at byte %d of %q", what, r, i, s)
		}
	}
}

// writes remembers each write.
type writes struct {
	mu    sync.Mutex
	each  []string
	times []time.Duration
	start time.Time
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.each = append(w.each, string(p))
	w.times = append(w.times, time.Since(w.start))
	return len(p), nil
}

// failing fails after n bytes.
type failing struct {
	n   int
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, f.err
	}
	f.n -= len(p)
	return len(p), nil
}
