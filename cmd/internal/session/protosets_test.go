package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rpcctl/rpcctl/discovery"
)

// readSets reads descriptor sets by name, and reports whether they describe the demo server.
func readSets(t *testing.T, stdin io.Reader, names ...string) (demo bool, err error) {
	t.Helper()
	s := begin(t, World{Stdin: stdin}, "", Settings{Protosets: names})
	source, err := s.Source(t.Context())
	if err != nil {
		return false, err
	}
	_, err = source.Find(t.Context(), "rpcctl.demo.v1.Greeter")
	if errors.Is(err, discovery.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func readDemoSet(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(demoSet)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProtosets(t *testing.T) {
	demo := readDemoSet(t)
	none := filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		name  string
		stdin io.Reader
		sets  []string
		want  string // is in the error; "": the demo server is described
	}{
		{"a file", nil, []string{demoSet}, ""},
		{"the same file twice", nil, []string{demoSet, demoSet}, ""},
		{"standard input", bytes.NewReader(demo), []string{"-"}, ""},
		{"standard input in pieces", iotest.HalfReader(bytes.NewReader(demo)), []string{"-"}, ""},
		{"standard input and a file", bytes.NewReader(demo), []string{"-", demoSet}, ""},
		{"standard input twice", bytes.NewReader(demo), []string{"-", "-"}, "standard input is named twice as a descriptor set"},
		{"standard input that fails", iotest.ErrReader(errors.New("it is Monday")), []string{"-"}, "reading a descriptor set from standard input: it is Monday"},
		{"text", strings.NewReader("syntax = \"proto3\";\n"), []string{"-"}, "standard input"},
		{"half of a set", bytes.NewReader(demo[:len(demo)/2]), []string{"-"}, "standard input"},
		{"no file", nil, []string{none}, none},
		{"a folder", nil, []string{filepath.Dir(none)}, filepath.Dir(none)},
		{"no file after a set", nil, []string{demoSet, none}, none},
		{"http", nil, []string{"http://h.example/s.pb"}, "fetching the descriptor set http://h.example/s.pb: a descriptor set is only fetched over https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readSets(t, tt.stdin, tt.sets...)
			switch {
			case tt.want == "" && (err != nil || !got):
				t.Errorf("got %t, %v, want the demo server", got, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
	if _, err := readSets(t, nil, none); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that the file does not exist", err)
	}
}

// Reading standard input ends with the caller's context.
func TestProtosetFromSilentStdin(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := begin(t, World{Stdin: r}, "", Settings{Protosets: []string{"-"}})
	if _, err := s.Source(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

// trustTest makes the process trust a server of the test, until the test ends.
func trustTest(t *testing.T, server *httptest.Server) {
	t.Helper()
	before := http.DefaultTransport
	http.DefaultTransport = server.Client().Transport
	t.Cleanup(func() { http.DefaultTransport = before })
}

// A descriptor set is fetched over verified TLS alone, and no part of its URL that may be secret is
// in an error or goes to another host.
func TestFetchingProtosets(t *testing.T) {
	demo := readDemoSet(t)
	referers := make(chan string, 1)
	mux := http.NewServeMux()
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/demo", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(demo) })
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		_, _ = w.Write(demo[:100])
	})
	mux.HandleFunc("/down", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+r.Host+"/demo", http.StatusFound)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/new", http.StatusFound) })
	mux.HandleFunc("/new", func(w http.ResponseWriter, r *http.Request) {
		referers <- r.Referer()
		_, _ = w.Write(demo)
	})
	trustTest(t, server)
	for _, tt := range []struct {
		name, path string
		want       string // is in the error; "": the demo server is described
	}{
		{"a set", "/demo", ""},
		{"a redirect", "/moved", ""},
		{"no set", "/page", "/page"},
		{"none", "/none", "/none: the server answered 404 Not Found"},
		{"half of a set", "/cut", "/cut: unexpected EOF"},
		{"a redirect to plaintext", "/down", "/down: a descriptor set is only fetched over https"},
		{"redirects without end", "/round", "/round: more than 5 redirects"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := strings.Replace(server.URL, "https://", "https://u:s3cr3t@", 1) + tt.path + "?token=s3cr3t#s3cr3t"
			got, err := readSets(t, nil, u)
			switch {
			case tt.want == "" && (err != nil || !got):
				t.Errorf("got %t, %v, want the demo server", got, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("a secret is in the error: %v", err)
			}
		})
	}
	if referer := <-referers; referer != "" {
		t.Errorf("the server received the referer %q", referer)
	}
}

func TestFetchingProtosetsFails(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler()) // the process does not trust it
	t.Cleanup(server.Close)
	var fetch *FetchError
	for _, tt := range []struct{ name, url, want string }{
		{"a certificate that is not trusted", server.URL + "/x?token=s3cr3t", "fetching the descriptor set " + server.URL + "/x: tls: failed to verify certificate: x509: certificate signed by unknown authority"},
		{"a malformed URL", "https://u:s3cr3t@[h/x", "fetching the descriptor set URL: it is not one"},
		{"a malformed port", "https://u:s3cr3t@h:port/x", "fetching the descriptor set URL: it is not one"},
		{"plaintext with a password", "http://u:s3cr3t@h.example/x?token=s3cr3t", "fetching the descriptor set http://u:xxxxx@h.example/x: a descriptor set is only fetched over https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readSets(t, nil, tt.url)
			if !errors.As(err, &fetch) || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := readSets(t, nil, "http://h.example/x"); !errors.Is(err, ErrNotHTTPS) {
		t.Errorf("got %v, want %v", err, ErrNotHTTPS)
	}
}

// Fetching a set ends with the caller's context.
func TestFetchingProtosetsEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	trustTest(t, server)
	s := begin(t, World{}, "", Settings{Protosets: []string{server.URL}})
	if _, err := s.Source(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}
