package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

// begin makes a session with settings for a target, "" for none, until the test ends.
func begin(t *testing.T, w World, target string, settings Settings) *Session {
	t.Helper()
	if target != "" {
		parsed, err := invoke.ParseTarget(target)
		if err != nil {
			t.Fatal(err)
		}
		settings.Target = &parsed
	}
	if w.Now == nil {
		w.Now = time.Now
	}
	s := New(w)
	s.Configure(settings)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// writeProto makes a .proto file with one service in a folder of the test's own.
func writeProto(t *testing.T) (dir string) {
	t.Helper()
	const text = `syntax = "proto3";
package local;
// Keeps things.
service Keeper {
  // Keeps one.
  rpc Keep(Thing) returns (Thing);
}
message Thing {}
`
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "keeper.proto"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// has reports which of some names a session's schema has.
func has(t *testing.T, s *Session, names ...protoreflect.FullName) (found []protoreflect.FullName) {
	t.Helper()
	source, err := s.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		switch _, err := source.Find(t.Context(), name); {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, discovery.ErrNotFound):
			t.Error(err)
		}
	}
	return found
}

// A demoSet is a file with the descriptors of the demo server.
const demoSet = "../../../testserver/demo.protoset"

// The schema is that of the files which are given, and the server's when there are none or when it
// is wanted too; a server that is not needed is not dialled.
func TestSource(t *testing.T) {
	const local, demo, builtin = "local.Keeper", "rpcctl.demo.v1.Greeter", "google.rpc.ErrorInfo"
	dir := writeProto(t)
	protos := Settings{Protos: []string{"keeper.proto"}, ImportPaths: []string{dir}}
	both := protos
	both.Reflection = true
	layered := protos
	layered.Protosets = []string{demoSet}
	for _, tt := range []struct {
		name     string
		target   string // "": a demo server
		settings Settings
		want     []protoreflect.FullName
		dialled  bool
	}{
		{"a server alone", "", Settings{}, []protoreflect.FullName{demo, builtin}, true},
		{"a .proto file alone", "", protos, []protoreflect.FullName{local, builtin}, false},
		{"a .proto file and the server", "", both, []protoreflect.FullName{local, demo, builtin}, true},
		{"a descriptor set", "", Settings{Protosets: []string{demoSet}}, []protoreflect.FullName{demo, builtin}, false},
		{"a .proto file and a descriptor set", "", layered, []protoreflect.FullName{local, demo, builtin}, false},
		{"the server in this process", "demo:", Settings{}, []protoreflect.FullName{demo, builtin}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, server := listen(t, testserver.Options{})
			if tt.target != "" {
				target = tt.target
			}
			s := begin(t, World{}, target, tt.settings)
			if diff := cmp.Diff(tt.want, has(t, s, local, demo, builtin)); diff != "" {
				t.Error(diff)
			}
			if dialled := server.Stats().Accepted > 0; dialled != tt.dialled {
				t.Errorf("dialled: %t", dialled)
			}
		})
	}
}

// A session without a target has a schema when there are files, and says what is missing otherwise.
func TestNoTarget(t *testing.T) {
	s := begin(t, World{}, "", Settings{})
	_, transport := s.Transport(t.Context())
	_, source := s.Source(t.Context())
	_, types := s.Types(t.Context())
	_, duplex := s.Duplex(t.Context())
	_, _, method := s.FindMethod(t.Context(), t.Context(), "a.B/C")
	for name, err := range map[string]error{"transport": transport, "source": source, "types": types, "duplex": duplex, "method": method} {
		if !errors.Is(err, ErrNoTarget) {
			t.Errorf("%s: got %v, want %v", name, err, ErrNoTarget)
		}
	}
	s = begin(t, World{}, "", Settings{Protosets: []string{demoSet}})
	if got := has(t, s, "rpcctl.demo.v1.Greeter"); len(got) != 1 {
		t.Error("the descriptor set is not read")
	}
}

// What cannot be opened is an error that is not hidden, and is tried again when it is needed.
func TestSourceFails(t *testing.T) {
	dir := writeProto(t)
	none := filepath.Join(dir, "none")
	for _, tt := range []struct {
		name     string
		settings Settings
		want     string // is in the error
	}{
		{"no .proto file", Settings{Protos: []string{"none.proto"}, ImportPaths: []string{dir}}, "none.proto"},
		{"no descriptor set", Settings{Protosets: []string{none}}, none},
		{"no descriptor set beside a .proto file", Settings{Protos: []string{"keeper.proto"}, ImportPaths: []string{dir}, Protosets: []string{none}}, none},
		{"another protocol", Settings{Wire: Wire{Protocol: "carrier pigeon"}}, "carrier pigeon"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := begin(t, World{}, "http://127.0.0.1:1", tt.settings)
			for range 2 {
				source, err := s.Source(t.Context())
				if source != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, %v, want an error with %q", source, err, tt.want)
				}
			}
		})
	}
}

// Comments are read when they are needed, even by a session that went without them before.
func TestComments(t *testing.T) {
	settings := Settings{Protos: []string{"keeper.proto"}, ImportPaths: []string{writeProto(t)}}
	s := begin(t, World{}, "", settings)
	comment := func() string {
		source, err := s.Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d, err := source.Find(t.Context(), "local.Keeper")
		if err != nil {
			t.Fatal(err)
		}
		return d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments
	}
	for _, tt := range []struct {
		without bool
		want    string
	}{{true, ""}, {true, ""}, {false, " Keeps things.\n"}, {true, " Keeps things.\n"}} {
		settings.NoComments = tt.without
		s.Configure(settings)
		before := s.types
		if got := comment(); got != tt.want {
			t.Errorf("without comments %t: got %q, want %q", tt.without, got, tt.want)
		}
		types, err := s.Types(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if opened := before == nil || !tt.without; opened == (types == before) {
			t.Errorf("without comments %t: the types are those of another source", tt.without)
		}
	}
}

// What is open is reused until the session closes, and opened again after that.
func TestOpensOnce(t *testing.T) {
	target, server := listen(t, testserver.Options{})
	s := begin(t, World{}, target, Settings{})
	open := func() (invoke.Transport, discovery.Source, invoke.Types) {
		transport, terr := s.Transport(t.Context())
		source, serr := s.Source(t.Context())
		types, yerr := s.Types(t.Context())
		if err := errors.Join(terr, serr, yerr); err != nil {
			t.Fatal(err)
		}
		if _, err := hello(t, transport, nil); err != nil {
			t.Fatal(err)
		}
		return transport, source, types
	}
	transport, source, types := open()
	again, sourceAgain, typesAgain := open()
	if transport != again || source != sourceAgain || types != typesAgain {
		t.Error("something was opened twice")
	}
	if n := server.Stats().Accepted; n != 1 {
		t.Errorf("got %d connections, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := hello(t, transport, nil); err == nil {
		t.Error("a call over a transport that was closed succeeded")
	}
	if anew, _, _ := open(); anew == transport {
		t.Error("got the transport that was closed")
	}
}

// All that was opened is closed, the last first, whatever fails on the way; closing again does nothing.
func TestCloseClosesAll(t *testing.T) {
	s := New(World{})
	var order []string
	one, three := errors.New("one"), errors.New("three")
	s.closers = append(s.closers,
		func() error { order = append(order, "one"); return one },
		func() error { order = append(order, "two"); return nil },
		func() error { order = append(order, "three"); return three })
	if err := s.Close(); !errors.Is(err, one) || !errors.Is(err, three) {
		t.Errorf("got %v, want both errors", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"three", "two", "one"}, order); diff != "" {
		t.Error(diff)
	}
}

// The server inside this process is the session's own, or the caller's, who closes it.
func TestDemo(t *testing.T) {
	demo := testserver.StartMemory(testserver.Options{})
	t.Cleanup(func() {
		if err := demo.Close(); err != nil {
			t.Error(err)
		}
	})
	shared := World{Demo: func() *testserver.Memory { return demo }}
	for _, w := range []World{{}, shared, shared} {
		s := begin(t, w, "demo:", Settings{})
		transport, err := s.Transport(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hello(t, transport, nil); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := demo.Server.Stats().Calls["/rpcctl.demo.v1.Greeter/SayHello"].Ended; n != 2 {
		t.Errorf("the caller's server got %d calls, want 2", n)
	}
}

// Who calls is found out before the server is asked for its schema, and only then.
func TestAuthorize(t *testing.T) {
	refused := errors.New("no password")
	later := invoke.Metadata{"authorization": {Later}}
	for _, tt := range []struct {
		name     string
		settings Settings
		err      error // of the program that is asked for a credential
		source   bool  // the schema was opened before
		asked    bool
		want     error
	}{
		{"for reflection", Settings{ReflectMetadata: later}, nil, true, true, nil},
		{"for reflection, in vain", Settings{ReflectMetadata: later}, refused, true, true, refused},
		{"for reflection, given up", Settings{ReflectMetadata: later}, context.Canceled, true, true, context.Canceled},
		{"for files", Settings{ReflectMetadata: later, Protosets: []string{demoSet}}, refused, true, false, nil},
		{"for nobody", Settings{ReflectMetadata: later}, refused, false, false, nil},
		{"without a credential", Settings{}, refused, true, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, _ := listen(t, testserver.Options{})
			var asked atomic.Int32
			tt.settings.Policy = CallPolicy{Fills: true, Authorize: func(context.Context, bool) (string, error) {
				asked.Add(1)
				return "Bearer x", tt.err
			}}
			s := begin(t, World{}, target, tt.settings)
			if tt.source {
				if _, err := s.Source(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Authorize(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if (asked.Load() > 0) != tt.asked {
				t.Errorf("asked %d times", asked.Load())
			}
		})
	}
}

// When a credential for reflection cannot be found out, the lookup fails as a call would.
func TestAuthorizeErrorIsThatOfACall(t *testing.T) {
	s := begin(t, World{}, "http://127.0.0.1:1", Settings{
		ReflectMetadata: invoke.Metadata{"authorization": {Later}},
		Policy:          CallPolicy{Fills: true, Authorize: func(context.Context, bool) (string, error) { return "", errors.New("no password") }},
	})
	_, _, err := s.FindMethod(t.Context(), t.Context(), "a.B/C")
	var se *invoke.StatusError
	if !errors.As(err, &se) || se.Status.Code != codes.Unauthenticated || !errors.As(err, new(*CredentialError)) {
		t.Errorf("got %v, want UNAUTHENTICATED for the credential", err)
	}
}

// A call is open or has failed after all attempts, each of which may take the limit for
// connecting.
func TestOpenLimit(t *testing.T) {
	for _, tt := range []struct {
		name     string
		settings Settings
		want     time.Duration
	}{
		{"the defaults", Settings{}, 15 * time.Second},
		{"a limit", Settings{ConnectTimeout: time.Second}, 6 * time.Second},
		{"retries", Settings{ConnectTimeout: time.Second, Policy: CallPolicy{Retry: 2}}, 18 * time.Second},
		{"waiting", Settings{Policy: CallPolicy{Wait: time.Minute}}, 75 * time.Second},
	} {
		if got := tt.settings.openLimit(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}
