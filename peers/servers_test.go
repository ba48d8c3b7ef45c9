package peers_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A way is a protocol and a version of HTTP for calls to a server.
type way struct {
	name    string
	flags   []string
	version string // of HTTP that the answers must have come over
}

// The ways to servers with HTTP/1.1 and HTTP/2 on one port.
func ways() []way {
	return []way{
		{"as it comes", nil, "2"},
		{"grpc", []string{"--protocol", "grpc"}, "2"},
		{"grpc as JSON", []string{"--protocol", "grpc", "--codec", "json"}, "2"},
		{"grpc over HTTP 2", []string{"--protocol", "grpc", "--http", "2"}, "2"},
		{"grpc-web", []string{"--protocol", "grpc-web"}, "2"},
		{"grpc-web over HTTP 1.1", []string{"--protocol", "grpc-web", "--http", "1.1"}, "1.1"},
		{"grpc-web over HTTP 2", []string{"--protocol", "grpc-web", "--http", "2", "--compress", "gzip"}, "2"},
		{"connect", []string{"--protocol", "connect"}, "2"},
		{"connect over HTTP 1.1", []string{"--protocol", "connect", "--http", "1.1"}, "1.1"},
		{"connect over HTTP 2", []string{"--protocol", "connect", "--http", "2"}, "2"},
		{"connect as JSON", []string{"--protocol", "connect", "--http", "1.1", "--codec", "json", "--compress", "gzip"}, "1.1"},
	}
}

func TestConnectGo(t *testing.T) {
	b := newBench(t)
	addr := b.start(t, b.connectgo, b.set)[0]
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) { b.everything(t, w, append(w.flags, "-a", addr)) })
	}
	b.get(t, "-a", addr)
}

func TestConnectNode(t *testing.T) {
	b := newBench(t)
	certs := t.TempDir()
	b.start(t, b.rpcctl, "demo", "--tls", "--cert-dir", certs, "--listen", "127.0.0.1:0") // makes certificates
	in := func(name string) string { return filepath.Join(certs, name) }
	addrs := b.start(t, "node", "servers/connect-node.mjs", b.set, in("server.pem"), in("server-key.pem"))
	old, addr, secure := addrs[0], addrs[1], addrs[2]
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			if w.version != "1.1" {
				b.everything(t, w, append(w.flags, "-a", addr))
				return
			}
			// This port has no HTTP/2, and the library no streams both ways without it.
			flags := append(w.flags, "-a", old)
			r := b.run(t, append(flags, "list")...)
			if r.exit != 66 || !strings.Contains(r.stderr, "HTTP status 505") || !strings.Contains(r.stderr, "--protoset") {
				t.Errorf("list: exit %d, %s", r.exit, r.stderr)
			}
			b.everything(t, w, append(flags, "--protoset", b.set))
		})
	}
	for _, w := range ways() {
		t.Run(w.name+" over TLS", func(t *testing.T) {
			b.everything(t, w, append(w.flags, "-a", "https://"+secure, "--cacert", in("ca.pem")))
		})
	}
	t.Run("HTTP 1.1 is found out", func(t *testing.T) {
		for _, protocol := range []string{"connect", "grpc-web"} {
			b.calls(t, way{protocol, []string{"--protocol", protocol}, "1.1"}, []string{"--protocol", protocol, "--protoset", b.set, "-a", old})
		}
	})
	b.get(t, "-a", addr)
	b.get(t, "-a", old, "--protoset", b.set)
}

// What the reflection of grpc-js sends needs repair.
func TestGRPCJS(t *testing.T) {
	b := newBench(t)
	addr := b.start(t, "node", "servers/grpc-js.mjs", "proto")[0]
	answer := b.call(t, 0, "-a", addr, "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "file_containing_symbol=peers.library.v1.Library")
	var sent struct {
		FileDescriptorResponse struct{ FileDescriptorProto [][]byte }
	}
	if err := json.Unmarshal([]byte(answer.messages[0]), &sent); err != nil {
		t.Fatal(err)
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(sent.FileDescriptorResponse.FileDescriptorProto[0], file); err != nil {
		t.Fatal(err)
	}
	if file.GetPackage() != "peers.library.v1" || len(file.GetDependency()) > 0 {
		t.Errorf("the first file imports %q and is of %s: nothing has to be repaired", file.GetDependency(), file.GetPackage())
	}
	for _, w := range ways()[:2] {
		t.Run(w.name, func(t *testing.T) { b.everything(t, w, append(w.flags, "-a", addr)) })
	}
}

// everything asks a server for its schema and calls it.
func (b *bench) everything(t *testing.T, w way, flags []string) {
	t.Helper()
	with := func(args ...string) []string { return append(slices.Clone(flags), args...) }
	if got := b.ok(t, with("list")...); !slices.Contains(strings.Fields(got), "peers.library.v1.Library") {
		t.Errorf("list: %s", got)
	}
	if got, want := b.ok(t, with("list", "Library")...), "peers.library.v1.Library.Return\npeers.library.v1.Library.Browse\n"; got != want {
		t.Errorf("list Library: %q", got)
	}
	if !slices.Contains(flags, "--protoset") {
		// None of the servers has a health service, which is no fault.
		if got := b.ok(t, with("diagnose")...); !strings.Contains(got, "ok       grpc") || !strings.Contains(got, "ok       reflection") {
			t.Errorf("diagnose: %s", got)
		}
	}
	got := b.ok(t, with("describe", "Library.Browse", "peers.library.v1.ReturnRequest", "peers.catalog.v1.Book")...)
	for _, want := range []string{
		"rpc Browse(BrowseRequest) returns (stream peers.catalog.v1.Book)", "peers.catalog.v1.Book book = 1;",
		"repeated Subject subjects = 3;", "map<string, int32> copies = 4;", "google.protobuf.Timestamp published = 5;",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("describe lacks %q: %s", want, got)
		}
	}
	b.calls(t, w, flags)
}

// calls makes a call of each kind, and one that fails.
func (b *bench) calls(t *testing.T, w way, flags []string) {
	t.Helper()
	with := func(args ...string) []string { return append(slices.Clone(flags), args...) }
	protocol := "grpc"
	if i := slices.Index(flags, "--protocol"); i >= 0 {
		protocol = flags[i+1]
	}
	c := b.call(t, 0, with("Library.Return", "book.title=Kelp", "book.page_count=90", "book.subjects[+]=SHIPS",
		"book.copies[hall]=2", "book.published=2020-01-02T03:04:05Z")...)
	if c.protocol != protocol || c.version != w.version || c.status != "OK" || c.origin != "server" {
		t.Errorf("%s over HTTP/%s: %s from the %s, want %s over HTTP/%s", c.protocol, c.version, c.status, c.origin, protocol, w.version)
	}
	if !slices.Equal(c.headers["x-desk"], []string{"one"}) || !slices.Equal(c.trailers["x-closing"], []string{"18:00"}) {
		t.Errorf("headers: %v, trailers: %v", c.headers, c.trailers)
	}
	const book = `{"book":{"title":"Kelp","pageCount":"90","subjects":["SUBJECT_SHIPS"],"copies":{"hall":2,"returned":1},"published":"2020-01-02T03:04:05Z"}}`
	if len(c.messages) != 1 || !sameJSON(t, c.messages[0], book) { // the order of a map is the server's
		t.Errorf("got %s", c.messages)
	}

	c = b.call(t, 67, with("Library.Return", "book.page_count=1")...)
	if c.status != "INVALID_ARGUMENT" || c.origin != "server" || c.text != "the book has no title" || len(c.messages) > 0 {
		t.Errorf("%s from the %s, %q, %s", c.status, c.origin, c.text, c.messages)
	}
	if desk := slices.Concat(c.headers["x-desk"], c.trailers["x-desk"]); !slices.Contains(desk, "two") {
		t.Errorf("metadata of the error: %v, %v", c.headers, c.trailers)
	}

	c = b.call(t, 0, with("Library.Browse", "subject=GARDENS", "count=3")...)
	if c.version != w.version || c.status != "OK" || !slices.Equal(c.trailers["x-closing"], []string{"18:00"}) {
		t.Errorf("stream over HTTP/%s: %s, trailers: %v", c.version, c.status, c.trailers)
	}
	want := []string{
		`{"title":"GARDENS 1","pageCount":"1","subjects":["SUBJECT_GARDENS"]}`,
		`{"title":"GARDENS 2","pageCount":"2","subjects":["SUBJECT_GARDENS"]}`,
		`{"title":"GARDENS 3","pageCount":"3","subjects":["SUBJECT_GARDENS"]}`,
	}
	if !slices.Equal(c.messages, want) {
		t.Errorf("got %s", c.messages)
	}
}

// get calls a method without side effects with GET.
func (b *bench) get(t *testing.T, flags ...string) {
	t.Helper()
	for _, codec := range []string{"proto", "json"} {
		c := b.call(t, 0, append(slices.Clone(flags), "--protocol", "connect", "--get", "--codec", codec, "Library.Return", "book.title=Kelp")...)
		if c.status != "OK" || !slices.Equal(c.messages, []string{`{"book":{"title":"Kelp","copies":{"returned":1}}}`}) {
			t.Errorf("GET as %s: %s, %s", codec, c.status, c.messages)
		}
	}
}
