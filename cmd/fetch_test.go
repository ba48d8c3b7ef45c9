package cmd_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

// A descriptor set from a URL comes over TLS that was verified, or not at all.
func TestProtosetFromURL(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only there do roots come from a file that a test can name")
	}
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(testserver.Protoset()) }))
	t.Cleanup(plain.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("/demo.binpb", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(testserver.Protoset()) })
	leaked := make(chan string, 10)
	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked <- r.Referer() + r.Header.Get("Authorization") + r.URL.String()
		_, _ = w.Write(testserver.Protoset())
	}))
	t.Cleanup(other.Close)
	mux.Handle("/away", http.RedirectHandler(other.URL+"/set", http.StatusFound))
	mux.Handle("/down", http.RedirectHandler(plain.URL, http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = w.Write(testserver.Protoset()[:5000])
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(roots, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, roots string
		code              int
		want              string
	}{
		{"a set", "/demo.binpb", roots, 0, "rpcctl.demo.v1.Shop\n"},
		{"a redirect to another host", "/away?token=s3cr3t", roots, 0, "rpcctl.demo.v1.Shop\n"},
		{"an issuer that is not trusted", "/demo.binpb", "/dev/null", 1, "unknown authority"},
		{"no such file", "/none", roots, 1, "the server answered 404 Not Found"},
		{"a redirect to plaintext", "/down", roots, 1, "only fetched over https"},
		{"redirects without end", "/round", roots, 1, "more than 5 redirects"},
		{"half a file", "/half", roots, 1, "unexpected EOF"},
		{"a page", "/page", roots, 1, "this is not a descriptor set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := command(t, "rpcctl", "--protoset", server.URL+tt.path, "list")
			cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+tt.roots, "SSL_CERT_DIR=/nonexistent")
			out, err := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(string(out), tt.want) {
				t.Errorf("exit code %d, %v: %s", code, err, out)
			}
		})
	}
	close(leaked)
	for text := range leaked {
		if text != "/set" {
			t.Errorf("the other host was sent %q", text)
		}
	}
}
