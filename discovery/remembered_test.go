package discovery_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

// A memory is a Store in memory, with a clock of its own.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
	times   map[string]time.Time
	now     time.Time
	full    bool
}

func newMemory() *memory {
	return &memory{entries: map[string][]byte{}, times: map[string]time.Time{}, now: time.Unix(1_700_000_000, 0)}
}

func (m *memory) Get(key string) ([]byte, time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.entries[key]
	return append([]byte(nil), data...), m.times[key], ok
}

func (m *memory) Put(key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return errors.New("no space left on device")
	}
	m.entries[key], m.times[key] = append([]byte(nil), data...), m.now
	return nil
}

func (m *memory) Touch(key string, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.times[key] = at
}

func (m *memory) Remove(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.entries, key)
}

func (m *memory) Drop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.entries)
	return nil
}

func (m *memory) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *memory) pass(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// remember returns a source as a process has it at its start.
func remember(t *testing.T, tr invoke.Transport, m *memory) *discovery.Remembered {
	t.Helper()
	r := discovery.Remember(discovery.Reflect(tr, discovery.ReflectOptions{}), m, false, m.clock)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// questions counts what a server was asked.
func questions(s *testserver.Server) (n int64) {
	for path, c := range s.Stats().Calls {
		if strings.Contains(path, "reflection") {
			n += c.Received
		}
	}
	return n
}

func TestRememberedAsksNothingTwice(t *testing.T) {
	for _, name := range []string{"rpcctl.demo.v1.Greeter/SayHello", "v1.Greeter.SayHello", "Greeter.SayHello", "SayHello", "Shop.PlaceOrder"} {
		t.Run(name, func(t *testing.T) {
			tr, server := demo(t, testserver.Options{})
			m := newMemory()
			ctx := t.Context()
			cold := remember(t, tr, m)
			want, err := discovery.FindMethod(ctx, cold, name)
			if err != nil {
				t.Fatal(err)
			}
			if cold.Used() {
				t.Error("an empty store was of use")
			}
			cold.Save()
			asked := questions(server)
			warm := remember(t, tr, m)
			got, err := discovery.FindMethod(ctx, warm, name)
			if err != nil {
				t.Fatal(err)
			}
			if !warm.Used() || questions(server) != asked {
				t.Errorf("asked %d questions more", questions(server)-asked)
			}
			if got.FullName() != want.FullName() || got.Input().Fields().Len() != want.Input().Fields().Len() {
				t.Errorf("got %v, want %v", got.FullName(), want.FullName())
			}
		})
	}
}

// What the server does not have, and extensions, are remembered too.
func TestRememberedMissingAndExtensions(t *testing.T) {
	tr, server := demo(t, testserver.Options{})
	m := newMemory()
	look := func(r *discovery.Remembered) string {
		_, err := r.Find(t.Context(), "rpcctl.demo.v1.NotThere")
		if !errors.Is(err, discovery.ErrNotFound) {
			t.Errorf("%v", err)
		}
		xs, err := r.Extensions(t.Context(), "rpcctl.demo.v1.Legacy")
		if err != nil {
			t.Error(err)
		}
		var names []string
		for _, x := range xs {
			names = append(names, string(x.FullName()))
		}
		return strings.Join(names, " ")
	}
	cold := remember(t, tr, m)
	want := look(cold)
	if want == "" {
		t.Fatal("the demo has no extensions")
	}
	cold.Save()
	asked := questions(server)
	warm := remember(t, tr, m)
	if got := look(warm); got != want || questions(server) != asked {
		t.Errorf("got %q with %d questions, want %q", got, questions(server)-asked, want)
	}
	warm.Forget()
	if got := look(warm); got != want || questions(server) == asked {
		t.Errorf("got %q after it was forgotten, want %q from the server", got, want)
	}
	if len(m.entries) != 0 {
		t.Errorf("%d entries are left", len(m.entries))
	}
}

// An entry that is invalid, too old, or that the store cannot read, counts as missing.
func TestRememberedMisses(t *testing.T) {
	const key = "symbol rpcctl.demo.v1.Greeter"
	for _, tt := range []struct {
		name  string
		spoil func(m *memory)
	}{
		{"cut", func(m *memory) { m.entries[key] = m.entries[key][:len(m.entries[key])-7] }},
		{"random", func(m *memory) { m.entries[key] = []byte("\xff\x00 not a set \x1b[2J") }},
		{"another file", func(m *memory) { m.entries[key] = []byte("\x0a\x07\x0a\x05a.pro") }},
		{"too old", func(m *memory) { m.now = m.now.Add(25 * time.Hour) }},
		{"from the future", func(m *memory) { m.now = m.now.Add(-25 * time.Hour) }},
		{"gone", func(m *memory) { clear(m.entries) }},
		{"full disk", func(m *memory) { clear(m.entries); m.full = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, server := demo(t, testserver.Options{})
			m := newMemory()
			cold := remember(t, tr, m)
			if _, err := cold.Find(t.Context(), "rpcctl.demo.v1.Greeter"); err != nil {
				t.Fatal(err)
			}
			cold.Save()
			tt.spoil(m)
			asked := questions(server)
			r := remember(t, tr, m)
			if _, err := discovery.FindMethod(t.Context(), r, "rpcctl.demo.v1.Greeter/SayHello"); err != nil {
				t.Fatal(err)
			}
			if questions(server) == asked || r.Used() {
				t.Error("the entry was used")
			}
			r.Save()
		})
	}
}

// schemaServer answers for one service whose request has the fields given.
type schemaServer struct {
	t      *testing.T
	mu     sync.Mutex
	fields string
	gone   bool
}

func (s *schemaServer) answer(_ *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return refusal(5, "no such symbol"), nil
	}
	return files(fileProto(s.t, `name: "a.proto" package: "a" syntax: "proto3"
		message_type { name: "Req" `+s.fields+` }
		service { name: "S" method { name: "M" input_type: ".a.Req" output_type: ".a.Req" } }`)), nil
}

func (s *schemaServer) set(fields string, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fields, s.gone = fields, gone
}

// fieldsOf returns the number of fields of the request of a.S/M, or -1.
func fieldsOf(t *testing.T, r *discovery.Remembered) int {
	t.Helper()
	m, err := discovery.FindMethod(t.Context(), r, "a.S/M")
	if errors.Is(err, discovery.ErrNotFound) {
		return -1
	}
	if err != nil {
		t.Fatal(err)
	}
	return m.Input().Fields().Len()
}

func TestRefresh(t *testing.T) {
	server := &schemaServer{t: t}
	tr := serve(t, server.answer, "v1")
	m := newMemory()
	begin := func() *discovery.Remembered { return remember(t, tr, m) }
	cold := begin()
	if got := fieldsOf(t, cold); got != 0 {
		t.Fatalf("%d fields", got)
	}
	cold.Save()
	cold.Refresh(t.Context()) // nothing came from the store
	if _, _, ok := m.Get("refreshed"); ok {
		t.Error("a process that asked the server refreshed what it told")
	}

	server.set(`field { name: "x" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }`, false)
	r := begin()
	got := []int{fieldsOf(t, r)}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.Refresh(ended) // dropped before it was done
	got = append(got, fieldsOf(t, r), fieldsOf(t, begin()))
	r.Refresh(t.Context()) // within a minute
	got = append(got, fieldsOf(t, begin()))
	m.pass(61 * time.Second)
	r.Refresh(t.Context())
	got = append(got, fieldsOf(t, r), fieldsOf(t, begin()))
	if diff := cmp.Diff([]int{0, 0, 0, 0, 1, 1}, got); diff != "" {
		t.Errorf("fields of the request as time goes by: %s", diff)
	}

	// A confirmed entry lives on; one of a symbol that is gone says so.
	m.pass(23 * time.Hour)
	r = begin()
	got = []int{fieldsOf(t, r)}
	r.Refresh(t.Context())
	m.pass(23 * time.Hour)
	got = append(got, fieldsOf(t, begin()))
	server.set("", true)
	r = begin()
	got = append(got, fieldsOf(t, r))
	r.Refresh(t.Context())
	before := maps.Clone(m.entries)
	if data, ok := before["symbol a.S"]; !ok || len(data) != 0 {
		t.Errorf("the entry of a service that is gone has %d bytes, %v", len(data), ok)
	}
	if diff := cmp.Diff([]int{1, 1, 1}, got); diff != "" {
		t.Error(diff)
	}
}
