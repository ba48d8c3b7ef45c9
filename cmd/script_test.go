package cmd_test

import (
	"context"
	"errors"
	"flag"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/reflection"

	"github.com/rpcctl/rpcctl/cmd"
	"github.com/rpcctl/rpcctl/testserver"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

func TestMain(m *testing.M) {
	// The race detector's pause of a second at each exit is minutes in all.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
		panic(err)
	}
	hangUps()
	testscript.Main(m, map[string]func(){"rpcctl": func() { os.Exit(cmd.Main()) }, "editor-that-crashes": crashingEditor, "goroutine-that-crashes": crashingGoroutine, "peak-of": peakOfProcess})
}

// hangUps allows the programs that tests start to get a hang-up when the test itself ignores
// it, as under nohup: an ignored signal stays ignored in them, and a caught one does not.
// These programs are this one by another name.
func hangUps() {
	if strings.HasSuffix(os.Args[0], ".test") && signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// testLimit is how long a program or an event is waited for: long enough for any machine, and
// shorter than the limit of go test.
const testLimit = 2 * time.Minute

// command is a program that ends with the test, or after testLimit.
func command(t testing.TB, name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), testLimit)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = time.Second // what it started may hold its output open
	return c
}

// receive waits for a value of a channel, or its end.
func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(testLimit):
		t.Fatal("what is waited for never comes")
		panic("unreachable")
	}
}

// The scripts are the specification of the command line. Besides testscript's
// own commands they have
//
//	serve VAR [KIND]    start a server and put its address into $VAR; KIND is
//	                    flags of "rpcctl demo" (--tls, --mtls, --http3, --unix, --reflection R)
//	                    or http1, silent, closed, refused, interop, drip, frames KIND, or
//	                    narrow or narrow-http1: no streams both ways over HTTP/1.1
//	exits CODE CMD...   run a command that must leave with CODE
//	within DUR CODE CMD...  the same, and it must not take longer
//	asked ADDR [N]      the server there was asked for its schema N times, or any
//	                    number of times, since this was last asked
//	damage DIR          change every file below a folder
//
// $CERTS is a folder with the demo's certificates, $PROTOS one with its .proto
// files, and $PROTOSET its descriptor set.
func TestScripts(t *testing.T) {
	shared := t.TempDir()
	certs := writeFixtures(t, shared)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CERTS", filepath.Join(shared, "certs"))
			e.Setenv("PROTOS", filepath.Join(shared, "protos"))
			e.Setenv("PROTOSET", filepath.Join(shared, "demo.binpb"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Values[askedKey{}] = askedServers{}
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":  func(ts *testscript.TestScript, _ bool, args []string) { serve(ts, certs, args) },
			"exits":  func(ts *testscript.TestScript, _ bool, args []string) { exits(ts, args) },
			"within": within,
			"asked":  asked,
			"damage": damage,
		},
	})
}

// writeFixtures writes certificates and schema files for all scripts.
func writeFixtures(t *testing.T, dir string) *testserver.Certs {
	t.Helper()
	certs, err := testserver.NewCerts(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		certs.Write(filepath.Join(dir, "certs")),
		os.CopyFS(filepath.Join(dir, "protos"), testserver.Protos()),
		os.WriteFile(filepath.Join(dir, "demo.binpb"), testserver.Protoset(), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(testserver.Protos(), "rpcctl/demo/v1/shop.proto"); err != nil {
		t.Fatal(err)
	}
	return certs
}

// serve starts a server for the rest of the script.
func serve(ts *testscript.TestScript, certs *testserver.Certs, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: serve VAR [KIND]")
	}
	name, kind := args[0], ""
	if len(args) > 1 {
		kind = args[1]
	}
	network, address := "tcp", "127.0.0.1:0"
	if kind == "--unix" {
		network, address = "unix", filepath.Join(ts.Getenv("WORK"), "demo.sock")
	}
	l, err := net.Listen(network, address)
	ts.Check(err)
	ts.Setenv(name, l.Addr().String())
	switch kind {
	case "refused":
		ts.Check(l.Close())
	case "http1":
		s := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
		go s.Serve(l)
		ts.Defer(func() { s.Close() })
	case "narrow", "narrow-http1":
		serveNarrow(ts, l, kind == "narrow")
	case "silent":
		ts.Defer(func() { l.Close() })
		go accept(l, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	case "frames":
		serveFrames(ts, l, args[2])
	case "drip": // the beginning of a SETTINGS frame, and never its end
		ts.Defer(func() { l.Close() })
		go accept(l, func(c net.Conn) {
			_, _ = c.Write([]byte{0, 0, 6, 4, 0})
			_, _ = io.Copy(io.Discard, c)
		})
	case "closed":
		ts.Defer(func() { l.Close() })
		go accept(l, func(net.Conn) {})
	case "interop":
		s := grpc.NewServer(grpc.Creds(insecure.NewCredentials()))
		testgrpc.RegisterTestServiceServer(s, interop.NewTestServer())
		reflection.Register(s)
		go s.Serve(l)
		ts.Defer(s.Stop)
	default:
		s := testserver.New(demoOptions(ts, certs, args[1:]))
		if slices.Contains(args, "--http3") {
			datagrams, err := net.ListenPacket("udp", l.Addr().String())
			ts.Check(err)
			go s.ServeHTTP3(datagrams)
		}
		go s.Serve(l)
		ts.Defer(s.Close)
		ts.Value(askedKey{}).(askedServers)[l.Addr().String()] = &askedServer{server: s}
	}
}

// serveNarrow serves the demo as many servers of Connect would, which refuse streams
// both ways over HTTP/1.1, and may have HTTP/2 or not.
func serveNarrow(ts *testscript.TestScript, l net.Listener, http2 bool) {
	demo := testserver.StartMemory(testserver.Options{})
	forward := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return demo.Dial(ctx) },
		Protocols:   new(http.Protocols),
	}
	forward.Protocols.SetUnencryptedHTTP2(true)
	proxy := &httputil.ReverseProxy{
		Transport: forward, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "demo"}) },
	}
	s := &http.Server{Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(http2)
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 && (strings.Contains(r.URL.Path, ".reflection.") || strings.HasSuffix(r.URL.Path, "/Chat")) {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
			return
		}
		proxy.ServeHTTP(w, r)
	})
	go s.Serve(l)
	ts.Defer(func() {
		s.Close()
		forward.CloseIdleConnections()
		if err := demo.Close(); err != nil {
			ts.Logf("%v", err)
		}
	})
}

// askedServers are the demo servers of a script, by address.
type askedServers map[string]*askedServer

type askedKey struct{}

type askedServer struct {
	server *testserver.Server
	before int
}

// asked checks how many reflection calls a server has had.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(askedKey{}).(askedServers)[args[0]]
	if s == nil {
		ts.Fatalf("no demo server at %s", args[0])
	}
	total := 0
	for path, c := range s.server.Stats().Calls {
		if strings.Contains(path, ".reflection.") {
			total += c.Started
		}
	}
	got := total - s.before
	s.before = total
	if len(args) < 2 {
		return
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if (got == want) == neg {
		ts.Fatalf("asked %d times", got)
	}
}

// damage changes a byte in the middle of every file below a folder.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	files := 0
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		raw[len(raw)/2] ^= 0x55
		return os.WriteFile(path, raw, 0o600)
	})
	ts.Check(err)
	if files == 0 {
		ts.Fatalf("no files in %s", args[0])
	}
}

func demoOptions(ts *testscript.TestScript, certs *testserver.Certs, flags []string) testserver.Options {
	var o testserver.Options
	if slices.Contains(flags, "--tls") {
		o.TLS = certs.Server(false)
	}
	if slices.Contains(flags, "--mtls") {
		o.TLS = certs.Server(true)
	}
	if i := slices.Index(flags, "--reflection-token"); i >= 0 {
		o.ReflectionToken = flags[i+1]
	}
	if i := slices.Index(flags, "--reflection"); i >= 0 {
		r, err := testserver.ParseReflection(flags[i+1])
		ts.Check(err)
		o.Reflection = r
	}
	return o
}

func accept(l net.Listener, handle func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			handle(c)
		}()
	}
}

// exits runs a command and checks its exit code.
func exits(ts *testscript.TestScript, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// within is exits with a limit on the time.
func within(ts *testscript.TestScript, _ bool, args []string) {
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	began := time.Now()
	exits(ts, args[1:])
	if took := time.Since(began); took > limit {
		ts.Fatalf("took %v, want at most %v", took, limit)
	}
}

// Every script says in its first line what it is about.
func TestScriptsIntroduceThemselves(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), "# ") {
			t.Errorf("%s does not begin with a comment", f)
		}
	}
}
