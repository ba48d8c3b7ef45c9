//go:build unix

package cmd_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rpcctl/rpcctl/testserver"
)

// The scripts of reaching servers, in testdata/reach. To what serve knows they add
//
//	garbage, reset      servers that answer with something else, or not at all
//	http1tls, noalpn    TLS with HTTP/1 alone, told in the handshake and not
//	http2, http2tls     HTTP/2 without gRPC
//	cert KIND           TLS with a bad certificate: expired, early
//	proxy [USER:PASS | CODE]  a CONNECT proxy that wants a password, or refuses with
//	                    CODE; it writes where it went to proxy.log
//	nginx KIND BACKEND  nginx before the server BACKEND: plain, tls, mtls, expired, early, or
//	                    web, which is HTTP/1.1
func TestReachScripts(t *testing.T) {
	shared := t.TempDir()
	certs := writeFixtures(t, shared)
	bad := map[string]*testserver.Certs{}
	for kind, shift := range map[string]time.Duration{"expired": -72 * time.Hour, "early": 72 * time.Hour} {
		c, err := testserver.NewCerts(time.Now().Add(shift))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(filepath.Join(shared, kind)); err != nil {
			t.Fatal(err)
		}
		bad[kind] = c
	}
	odd := &oddServers{certs: certs, bad: bad, shared: shared}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/reach",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CERTS", filepath.Join(shared, "certs"))
			e.Setenv("BADCERTS", shared)
			e.Setenv("PROTOSET", filepath.Join(shared, "demo.binpb"))
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("GORACE", os.Getenv("GORACE"))
			e.Values[askedKey{}] = askedServers{}
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "etc"))
			return nil
		},
		Condition: func(c string) (bool, error) {
			if c == "nginx" {
				return nginxPath() != "", nil
			}
			return false, fmt.Errorf("no condition %q", c)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":  func(ts *testscript.TestScript, _ bool, args []string) { odd.serve(ts, args) },
			"exits":  func(ts *testscript.TestScript, _ bool, args []string) { exits(ts, args) },
			"within": within,
		},
	})
}

func nginxPath() string {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path
	}
	if _, err := os.Stat("/usr/sbin/nginx"); err == nil {
		return "/usr/sbin/nginx"
	}
	return ""
}

type oddServers struct {
	certs  *testserver.Certs
	bad    map[string]*testserver.Certs
	shared string
}

// serve starts a server for the rest of the script.
func (o *oddServers) serve(ts *testscript.TestScript, args []string) {
	kind := ""
	if len(args) > 1 {
		kind = args[1]
	}
	switch kind {
	case "garbage", "reset", "http1tls", "noalpn", "http2", "http2tls", "cert", "proxy", "nginx":
	default:
		serve(ts, o.certs, args)
		return
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], l.Addr().String())
	ts.Defer(func() { l.Close() })
	switch kind {
	case "garbage":
		go accept(l, func(c net.Conn) {
			_, _ = io.WriteString(c, "220 mail.example.com ESMTP\r\n")
			_, _ = io.Copy(io.Discard, c)
		})
	case "reset":
		go accept(l, func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) })
	case "http1tls", "noalpn", "http2", "http2tls":
		o.web(ts, l, kind)
	case "cert":
		s := testserver.New(testserver.Options{TLS: o.bad[args[2]].Server(false)})
		go s.Serve(l)
		ts.Defer(s.Close)
	case "proxy":
		f, err := os.Create(ts.MkAbs("proxy.log"))
		ts.Check(err)
		ts.Defer(func() { f.Close() })
		p := &proxy{log: f}
		if len(args) > 2 {
			p.rule = args[2]
		}
		go accept(l, p.handle)
	case "nginx":
		ts.Check(l.Close())
		o.nginx(ts, l.Addr().String(), args[2], args[3])
	}
}

// web serves HTTP that is not gRPC.
func (o *oddServers) web(ts *testscript.TestScript, l net.Listener, kind string) {
	s := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "<h1>hello</h1>") }),
		ReadHeaderTimeout: time.Minute,
		Protocols:         new(http.Protocols),
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	ts.Defer(func() { s.Close() })
	switch kind {
	case "http2":
		s.Protocols.SetUnencryptedHTTP2(true)
		go s.Serve(l)
		return
	case "http2tls":
		s.Protocols.SetHTTP2(true)
	default:
		s.Protocols.SetHTTP1(true)
	}
	config := o.certs.Server(false)
	if kind == "noalpn" {
		go s.Serve(tls.NewListener(l, config))
		return
	}
	s.TLSConfig = config
	go s.ServeTLS(l, "", "")
}

// A proxy is an HTTP proxy that knows CONNECT alone.
type proxy struct {
	rule string // USER:PASS, or the code of a refusal; "": everybody may
	log  *os.File
}

func (p *proxy) handle(c net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	user, _, wantsUser := strings.Cut(p.rule, ":")
	switch {
	case r.Method != http.MethodConnect:
		fmt.Fprint(c, "HTTP/1.1 405 Method Not Allowed\r\n\r\n")
		return
	case p.rule != "" && !wantsUser:
		fmt.Fprintf(c, "HTTP/1.1 %s Refused\r\n\r\n", p.rule)
		return
	case wantsUser && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.rule)):
		fmt.Fprint(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n")
		return
	}
	// A name that only the proxy knows.
	address := strings.Replace(r.Host, "inside.example", "127.0.0.1", 1)
	out, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprint(c, "HTTP/1.1 502 Bad Gateway\r\n\r\n")
		return
	}
	defer out.Close()
	fmt.Fprintf(p.log, "%s for %q\n", r.Host, user)
	fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(out, c)
		_ = out.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, out)
}

// nginx runs nginx before a server, until the script ends.
func (o *oddServers) nginx(ts *testscript.TestScript, at, kind, backend string) {
	dir := ts.MkAbs("nginx-" + kind)
	ts.Check(os.MkdirAll(dir, 0o700))
	certs := filepath.Join(o.shared, "certs")
	if o.bad[kind] != nil {
		certs = filepath.Join(o.shared, kind)
	}
	listen, secure := at+" http2", ""
	if !strings.HasPrefix(kind, "plain") {
		listen = at + " ssl http2"
		secure = fmt.Sprintf("ssl_certificate %[1]s/server.pem; ssl_certificate_key %[1]s/server-key.pem;", certs)
	}
	if kind == "mtls" {
		secure += fmt.Sprintf("ssl_client_certificate %s/ca.pem; ssl_verify_client on;", certs)
	}
	pass := "grpc_pass grpc://" + backend
	if kind == "web" { // HTTP/1.1, and requests are held back until they have ended
		listen, secure, pass = at, "", "proxy_http_version 1.1; proxy_pass http://"+backend
	}
	conf := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events {}
http {
  access_log off;
  client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
  server {
    listen %[2]s; %[3]s
    location /grpc.health.v1.Health/ { return 404; }
    location / { %[4]s; }
  }
}
`, dir, listen, secure, pass)
	path := filepath.Join(dir, "nginx.conf")
	ts.Check(os.WriteFile(path, []byte(conf), 0o600))
	c := exec.Command(nginxPath(), "-p", dir, "-c", path)
	var said strings.Builder
	c.Stderr = &said
	ts.Check(c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	ts.Defer(func() {
		_ = c.Process.Kill()
		select {
		case <-ended:
		case <-time.After(testLimit):
		}
	})
	for deadline := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", at)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			ts.Fatalf("nginx ended: %v: %s", err, said.String())
		case <-time.After(10 * time.Millisecond): // nginx does not say when it is ready
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nginx is not up: %v", errors.Join(err))
		}
	}
}
