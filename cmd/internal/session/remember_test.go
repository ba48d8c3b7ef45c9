package session

import (
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/testserver"
)

// The name by which a server is remembered has all that decides who answers, and nothing secret.
func TestGroup(t *testing.T) {
	for _, tt := range []struct {
		name, target string
		settings     Settings
		want         string // "": nothing is remembered
	}{
		{"plaintext", "http://h.example:80", Settings{}, "target http://h.example:80"},
		{"TLS", "https://h.example:443", Settings{}, "target https://h.example:443"},
		{"DNS", "dns:///h.example:80", Settings{}, "target dns:///h.example:80"},
		{"xDS", "xds:///h.example", Settings{}, "target xds:///h.example"},
		{"another resolver", "passthrough:///h.example:80", Settings{}, ""},
		{"a socket", "unix:/run/s", Settings{}, ""},
		{"the server in this process", "demo:", Settings{}, ""},
		{"no target", "", Settings{}, ""},
		{"no cache", "http://h.example:80", Settings{NoCache: true}, ""},
		{"an authority", "http://h.example:80", Settings{Authority: "a b"}, `target http://h.example:80 authority "a b"`},
		{"a server name", "https://h.example:443", Settings{TLS: connect.TLSOptions{ServerName: "n"}}, `target https://h.example:443 servername "n"`},
		{"both", "https://h.example:443", Settings{Authority: "a", TLS: connect.TLSOptions{ServerName: "n"}}, `target https://h.example:443 authority "a" servername "n"`},
		{"a credential", "http://h.example:80", Settings{ReflectMetadata: invoke.Metadata{"authorization": {"Bearer s3cr3t"}}}, "target http://h.example:80"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := begin(t, World{CacheDir: t.TempDir()}, tt.target, tt.settings).group()
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("got %q, %t, want %q", got, ok, tt.want)
			}
		})
	}
	if got, ok := begin(t, World{}, "http://h.example:80", Settings{}).group(); ok {
		t.Errorf("got %q without a folder to remember it in", got)
	}
}

// Headers that route a call to one server or another are told apart, in any order of their keys, and
// credentials are not.
func TestGroupByMetadata(t *testing.T) {
	group := func(md invoke.Metadata) string {
		name, _ := begin(t, World{CacheDir: t.TempDir()}, "http://h.example:80", Settings{ReflectMetadata: md}).group()
		return name
	}
	one := group(invoke.Metadata{"x-tenant": {"one"}, "x-zone": {"a"}})
	for _, tt := range []struct {
		name string
		md   invoke.Metadata
		same bool
	}{
		{"the same", invoke.Metadata{"x-zone": {"a"}, "x-tenant": {"one"}}, true},
		{"with a credential", invoke.Metadata{"x-zone": {"a"}, "x-tenant": {"one"}, "authorization": {"Bearer s3cr3t"}}, true},
		{"another value", invoke.Metadata{"x-zone": {"a"}, "x-tenant": {"two"}}, false},
		{"another key", invoke.Metadata{"x-zone": {"a"}, "x-team": {"one"}}, false},
		{"one less", invoke.Metadata{"x-tenant": {"one"}}, false},
		{"one value of two", invoke.Metadata{"x-zone": {"a"}, "x-tenant": {"one", "two"}}, false},
		{"two in one", invoke.Metadata{"x-tenant": {"one\"]\n\"x-zone\"=[\"a"}}, false},
		{"none", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := group(tt.md); (got == one) != tt.same {
				t.Errorf("got %s, and %s before", got, one)
			}
		})
	}
}

// A process is one run of the program: a session and what it asked the server.
type process struct {
	*Session
	asked *atomic.Int32
}

// run begins a process that remembers in a folder.
func run(t *testing.T, dir, target string, settings Settings) process {
	t.Helper()
	p := process{asked: new(atomic.Int32)}
	p.Session = begin(t, World{CacheDir: dir, Asked: func(discovery.Asked) { p.asked.Add(1) }}, target, settings)
	return p
}

// find looks a method up, and reports whether the server was asked for it.
func (p process) find(t *testing.T, name string) (asked bool) {
	t.Helper()
	before := p.asked.Load()
	if _, _, err := p.FindMethod(t.Context(), t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return p.asked.Load() > before
}

const sayHello = "rpcctl.demo.v1.Greeter/SayHello"

// What one process has learnt from a server the next one does not ask for, unless it wants to.
func TestRemembers(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	other, _ := listen(t, testserver.Options{})
	for _, tt := range []struct {
		name     string
		target   string
		settings Settings
		live     bool
		asked    bool
	}{
		{"remembered", target, Settings{}, false, false},
		{"another server", other, Settings{}, false, true},
		{"another authority", target, Settings{Authority: "a"}, false, true},
		{"not wanted", target, Settings{NoCache: true}, false, true},
		{"the server's own wanted", target, Settings{}, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			first := run(t, dir, target, Settings{})
			if !first.find(t, sayHello) || first.FromMemory() {
				t.Fatal("something was remembered from no process before")
			}
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := run(t, dir, tt.target, tt.settings)
			if tt.live {
				second.AskServer()
			}
			if asked := second.find(t, sayHello); asked != tt.asked || second.FromMemory() == tt.asked {
				t.Errorf("asked: %t, from memory: %t", asked, second.FromMemory())
			}
		})
	}
}

// AskServer and Forget hold for a session that has looked up before.
func TestAsksFromThenOn(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	for name, change := range map[string]func(*Session){"AskServer": (*Session).AskServer, "Forget": (*Session).Forget} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := run(t, dir, target, Settings{})
			first.find(t, sayHello)
			if err := first.Close(); err != nil {
				t.Fatal(err)
			}
			second := run(t, dir, target, Settings{})
			if second.find(t, sayHello) {
				t.Error("asked for what is remembered")
			}
			change(second.Session)
			if !second.find(t, sayHello) {
				t.Error("did not ask")
			}
		})
	}
}

// Forget drops what the next process would use, and does nothing when nothing is remembered.
func TestForgets(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	dir := t.TempDir()
	for range 2 {
		p := run(t, dir, target, Settings{})
		if !p.find(t, sayHello) {
			t.Error("something was remembered")
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		p = run(t, dir, target, Settings{})
		if p.find(t, sayHello) {
			t.Error("nothing was remembered")
		}
		p.Forget()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p := run(t, "", target, Settings{})
	p.find(t, sayHello)
	p.Forget()
	if p.FromMemory() || p.find(t, sayHello) {
		t.Error("the session asked twice")
	}
}

// What was remembered is asked for again beside a call, and nothing else.
func TestRefreshes(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	dir := t.TempDir()
	p := run(t, dir, target, Settings{})
	p.Refresh(t.Context())
	if p.find(t, sayHello); p.refresh != nil {
		t.Error("what is not remembered is refreshed")
	}
	p.Refresh(t.Context())
	if p.refresh != nil {
		t.Error("what was just told is refreshed")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = run(t, dir, target, Settings{})
	p.find(t, sayHello)
	before := p.asked.Load()
	p.Refresh(t.Context())
	<-p.refresh.done
	if p.asked.Load() == before {
		t.Error("the server was not asked")
	}
	first := p.refresh
	p.Refresh(t.Context())
	if p.refresh == first {
		t.Error("the second refresh is the first")
	}
	if err := p.Close(); err != nil || p.refresh != nil {
		t.Errorf("%v; a refresh goes on: %t", err, p.refresh != nil)
	}
}

// Schemas are kept in the folder of the world, unless that is not wanted.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		name    string
		world   World
		noCache bool
		want    string
	}{
		{"a folder", World{CacheDir: dir}, false, dir},
		{"not wanted", World{CacheDir: dir}, true, ""},
		{"no folder", World{}, false, ""},
	} {
		if diff := cmp.Diff(tt.want, begin(t, tt.world, "", Settings{NoCache: tt.noCache}).Cache().Dir()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}
