package peers_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A page in a browser calls the demo of another origin: over HTTP/1.1, and over TLS
// and HTTP/2.
func TestBrowser(t *testing.T) {
	b := newBench(t)
	certs := t.TempDir()
	for name, flags := range map[string]struct{ server, client []string }{
		"http":  {},
		"https": {[]string{"--tls", "--cert-dir", certs}, []string{"--cacert", filepath.Join(certs, "ca.pem")}},
	} {
		t.Run(name, func(t *testing.T) {
			line := b.start(t, b.rpcctl, append([]string{"demo", "--listen", "127.0.0.1:0"}, flags.server...)...)
			addr := line[2] // serving on ADDRESS
			site := t.TempDir()
			b.ok(t, append(flags.client, "-a", name+"://"+addr, "export", "--protoset-out", filepath.Join(site, "schema.binpb"))...)
			page := b.bundle(t, site)
			got := b.browse(t, page, name+"://"+addr)
			for _, part := range parts() {
				if !sameJSON(t, string(got[part.name]), part.want) {
					t.Errorf("%s got %s, want %s", part.name, got[part.name], part.want)
				}
			}
			if len(got) != len(parts()) {
				t.Errorf("got %d results, want %d", len(got), len(parts()))
			}
			if name == "http" {
				preflight(t, "http://"+addr+"/rpcctl.demo.v1.Greeter/SayHello")
			}
		})
	}
}

// parts are what the page does, and what it must get.
func parts() []struct{ name, want string } {
	const client = `"streamed":["Hello, connect-web!","Bonjour, connect-web!","Guten Tag, connect-web!"],"trailer":"two","error":{"code":5,"message":"not here"}`
	return []struct{ name, want string }{
		{"post", `{"status":200,"type":"application/json","body":{"message":"Hello, post!"}}`},
		{"get", `{"status":200,"body":{"message":"Hello, get!"}}`},
		{"failure", `{"status":404,"body":{"code":"not_found","message":"not here"}}`},
		{"metadata", `{"sent":{"name":"x-page","text":"one"},"header":"one","trailer":"two"}`},
		{"stream", `[
			{"flags":0,"body":{"message":"Hello, stream!"}}, {"flags":0,"body":{"message":"Bonjour, stream!"}},
			{"flags":0,"body":{"message":"Guten Tag, stream!"}}, {"flags":2,"body":{}}
		]`},
		{"abort", `{"status":200,"some":true}`},
		{"grpcWeb", `{"message":"Hello, grpc-web!","error":{"code":5,"message":"not here"}}`},
		{"grpcWebOfConnect", `{"message":"Hello, connect-web!",` + client + `}`},
		{"connect", `{"message":"Hello, connect-web!",` + client + `}`},
	}
}

// A site is the page's own origin.
type site struct {
	*httptest.Server
	results chan []byte
}

// bundle makes the page and serves it.
func (b *bench) bundle(t *testing.T, dir string) *site {
	t.Helper()
	build := exec.CommandContext(t.Context(), "node_modules/.bin/esbuild", "browser/page.mjs",
		"--bundle", "--format=esm", "--log-level=warning", "--outfile="+filepath.Join(dir, "page.js"))
	build.Env = b.env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("esbuild: %v: %s", err, out)
	}
	index, err := os.ReadFile("browser/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), index, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{results: make(chan []byte, 1)}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(dir)))
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			body = []byte(err.Error())
		}
		s.results <- body
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// browse opens the page in Chromium and returns what it got.
func (b *bench) browse(t *testing.T, page *site, demo string) map[string]json.RawMessage {
	t.Helper()
	cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--ignore-certificate-errors", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0",
		page.URL+"/?demo="+url.QueryEscape(demo))
	cmd.Env = b.env
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	got := map[string]json.RawMessage{}
	select {
	case body := <-page.results:
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		select {
		case <-ended:
		case <-limit.C:
			t.Error("the browser does not end")
			_ = cmd.Process.Kill()
			<-ended
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("the page says %s", body)
		}
	case err := <-ended:
		t.Fatalf("the browser ended: %v: %s", err, log.String())
	case <-limit.C:
		_ = cmd.Process.Kill()
		<-ended
		t.Fatalf("the page got nothing: %s", log.String())
	}
	return got
}

// preflight asks what a browser asks before a page may call.
func preflight(t *testing.T, url string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://elsewhere.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "connect-protocol-version,content-type,x-mine")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	h := response.Header
	allowed := strings.Split(strings.ToLower(strings.ReplaceAll(strings.Join(h.Values("Access-Control-Allow-Headers"), ","), " ", "")), ",")
	if response.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") ||
		!slices.Contains(allowed, "x-mine") || !slices.Contains(allowed, "connect-protocol-version") {
		t.Errorf("preflight: %s, %v", response.Status, h)
	}
}
