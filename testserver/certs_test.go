package testserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// The files suffice for both sides, by every name of this machine.
func TestCertsWork(t *testing.T) {
	dir := t.TempDir()
	certs := ok[*Certs](t)(NewCerts(time.Now()))
	if err := certs.Write(dir); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ok[[]byte](t)(os.ReadFile(filepath.Join(dir, CAFile)))) {
		t.Fatal("no certificate in ca.pem")
	}
	server := ok[tls.Certificate](t)(tls.LoadX509KeyPair(filepath.Join(dir, ServerFile), filepath.Join(dir, ServerKeyFile)))
	client := ok[tls.Certificate](t)(tls.LoadX509KeyPair(filepath.Join(dir, ClientFile), filepath.Join(dir, ClientKeyFile)))
	address := loopback(t, New(Options{TLS: &tls.Config{
		Certificates: []tls.Certificate{server}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert,
	}}))
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		conn := ok[*grpc.ClientConn](t)(grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			RootCAs: pool, ServerName: name, Certificates: []tls.Certificate{client},
		}))))
		if _, err := demov1.NewGreeterClient(conn).SayHello(within(t), &demov1.HelloRequest{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCertsAreForADay(t *testing.T) {
	certs := ok[*Certs](t)(NewCerts(noon))
	for name, data := range map[string][]byte{"ca": certs.ca, "server": certs.server.cert, "client": certs.client.cert} {
		block, _ := pem.Decode(data)
		cert := ok[*x509.Certificate](t)(x509.ParseCertificate(block.Bytes))
		if !cert.NotBefore.Equal(noon.Add(-5*time.Minute)) || !cert.NotAfter.Equal(noon.Add(24*time.Hour)) {
			t.Errorf("%s: %v to %v", name, cert.NotBefore, cert.NotAfter)
		}
		if key, isECDSA := cert.PublicKey.(*ecdsa.PublicKey); !isECDSA || key.Curve != elliptic.P256() {
			t.Errorf("%s: %T", name, cert.PublicKey)
		}
		same(t, cert.IsCA, name == "ca")
	}
	// Each certificate is valid for its own side and this authority only.
	usage := func(data []byte, roots *x509.CertPool, use x509.ExtKeyUsage) error {
		block, _ := pem.Decode(data)
		cert := ok[*x509.Certificate](t)(x509.ParseCertificate(block.Bytes))
		_, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: noon, KeyUsages: []x509.ExtKeyUsage{use}})
		return err
	}
	other := ok[*Certs](t)(NewCerts(noon))
	for _, c := range []struct {
		name  string
		cert  []byte
		roots *x509.CertPool
		use   x509.ExtKeyUsage
		good  bool
	}{
		{"server", certs.server.cert, certs.pool, x509.ExtKeyUsageServerAuth, true},
		{"client", certs.client.cert, certs.pool, x509.ExtKeyUsageClientAuth, true},
		{"server as client", certs.server.cert, certs.pool, x509.ExtKeyUsageClientAuth, false},
		{"client as server", certs.client.cert, certs.pool, x509.ExtKeyUsageServerAuth, false},
		{"another authority", certs.server.cert, other.pool, x509.ExtKeyUsageServerAuth, false},
	} {
		if err := usage(c.cert, c.roots, c.use); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestCertsWrite(t *testing.T) {
	certs := ok[*Certs](t)(NewCerts(noon))
	names := func(t *testing.T, dir string) (names []string) {
		t.Helper()
		for _, entry := range ok[[]fs.DirEntry](t)(os.ReadDir(dir)) {
			names = append(names, entry.Name())
		}
		return names
	}
	all := []string{"ca.pem", "client-key.pem", "client.pem", "server-key.pem", "server.pem"}
	t.Run("twice, into a new folder", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "folder")
		for range 2 {
			if err := certs.Write(dir); err != nil {
				t.Fatal(err)
			}
			same(t, names(t, dir), all)
			for _, name := range all {
				info := ok[fs.FileInfo](t)(os.Stat(filepath.Join(dir, name)))
				want := fs.FileMode(0o644)
				if name == ServerKeyFile || name == ClientKeyFile {
					want = 0o600
				}
				if runtime.GOOS != "windows" && info.Mode() != want {
					t.Errorf("%s: %v", name, info.Mode())
				}
			}
		}
		other := ok[*Certs](t)(NewCerts(noon))
		if err := other.Write(dir); err != nil {
			t.Fatal(err)
		}
		same(t, ok[[]byte](t)(os.ReadFile(filepath.Join(dir, CAFile))), other.ca)
	})
	for _, c := range []struct {
		name string
		make func(path string) error
	}{
		{"somebody's own key", func(path string) error { return os.WriteFile(path, []byte("-----BEGIN PRIVATE KEY-----\n"), 0o600) }},
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"a link", func(path string) error { return os.Symlink("elsewhere", path) }},
	} {
		t.Run("beside "+c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(filepath.Join(dir, ClientKeyFile)); err != nil {
				t.Skip(err)
			}
			if err := certs.Write(dir); !errors.Is(err, fs.ErrExist) {
				t.Errorf("got %v", err)
			}
			same(t, names(t, dir), []string{ClientKeyFile})
		})
	}
	t.Run("where a file is", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := certs.Write(path); err == nil {
			t.Error("wrote into a file")
		}
	})
}
