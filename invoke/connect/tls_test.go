package connect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// An issuer signs certificates: an authority of the test's own, or one below it.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool // with cert alone
}

// newIssuer makes an authority that signs its own certificate.
func newIssuer(t *testing.T, name string) *issuer {
	t.Helper()
	return (&issuer{}).below(t, name)
}

// below makes an authority whose certificate i signs.
func (i *issuer) below(t *testing.T, name string) *issuer {
	t.Helper()
	issued := i.issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	b := &issuer{cert: issued.Leaf, key: issued.PrivateKey.(*ecdsa.PrivateKey), pool: x509.NewCertPool()}
	b.pool.AddCert(b.cert)
	return b
}

// issue makes a key and signs a certificate for it, which is valid now unless the template
// gives other times. An issuer without a certificate lets the key sign for itself.
func (i *issuer) issue(t *testing.T, template x509.Certificate) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(1)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := i.cert, i.key
	if parent == nil {
		parent, signer = &template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// issueFor makes the certificate of a server that is valid for a host name.
func (i *issuer) issueFor(t *testing.T, host string) tls.Certificate {
	t.Helper()
	return i.issue(t, x509.Certificate{DNSNames: []string{host}})
}

// write puts a certificate and its key into files of a folder of the test's own.
func write(t *testing.T, c tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return cert, key
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveTLS answers handshakes on this machine and then reads until the client closes.
func serveTLS(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	return serve(t, func(c net.Conn) { silent(tls.Server(c, config)) })
}

func TestTLSOptionsThatCannotBeUsed(t *testing.T) {
	authority := newIssuer(t, "authority")
	cert, key := write(t, authority.issueFor(t, "h.example"))
	_, otherKey := write(t, authority.issueFor(t, "h.example"))
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, in("empty"), "")
	writeFile(t, in("text"), "not a certificate\n")
	writeFile(t, in("broken"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	writeFile(t, in("large"), strings.Repeat("x", 4<<20+1))
	for _, tt := range []struct {
		name    string
		options connect.TLSOptions
		want    string
		is      error // nil: any
	}{
		{"no such authority", connect.TLSOptions{CACert: in("none")}, "reading the trusted certificates: open " + in("none") + ": no such file or directory", fs.ErrNotExist},
		{"an empty authority", connect.TLSOptions{CACert: in("empty")}, "reading the trusted certificates: " + in("empty") + ": no PEM certificate in it", nil},
		{"an authority that is text", connect.TLSOptions{CACert: in("text")}, "reading the trusted certificates: " + in("text") + ": no PEM certificate in it", nil},
		{"an authority that is a key", connect.TLSOptions{CACert: key}, "reading the trusted certificates: " + key + ": no PEM certificate in it", nil},
		{"a broken authority", connect.TLSOptions{CACert: in("broken")}, "reading the trusted certificates: " + in("broken") + ": no PEM certificate in it", nil},
		{"a large authority", connect.TLSOptions{CACert: in("large")}, "reading the trusted certificates: " + in("large") + ": more than 4 MiB", nil},
		{"a certificate alone", connect.TLSOptions{Cert: cert}, "a client certificate needs both a certificate and a key", nil},
		{"a key alone", connect.TLSOptions{Key: key}, "a client certificate needs both a certificate and a key", nil},
		{"no such certificate", connect.TLSOptions{Cert: in("none"), Key: key}, "reading the client certificate: open " + in("none") + ": no such file or directory", fs.ErrNotExist},
		{"no such key", connect.TLSOptions{Cert: cert, Key: in("none")}, "reading the client certificate: open " + in("none") + ": no such file or directory", fs.ErrNotExist},
		{"the key of another", connect.TLSOptions{Cert: cert, Key: otherKey}, "reading the client certificate: tls: private key does not match public key", nil},
		{"the two swapped", connect.TLSOptions{Cert: key, Key: cert}, "reading the client certificate: tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := tt.options.Config(t.Context())
			if config != nil || err == nil {
				t.Fatalf("got %v, %v", config, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("%v is no %v", err, tt.is)
			}
		})
	}
	var size *boundfile.SizeError
	if _, err := (connect.TLSOptions{CACert: in("large")}).Config(t.Context()); !errors.As(err, &size) || size.Path != in("large") {
		t.Errorf("got %v, want a size error", err)
	}
}

// A configuration trusts the authority that is named and no other, presents the client
// certificate, and offers no version of TLS before 1.2.
func TestTLSOptionsInAHandshake(t *testing.T) {
	authority, other := newIssuer(t, "authority"), newIssuer(t, "other")
	trusted, _ := write(t, tls.Certificate{Certificate: [][]byte{authority.cert.Raw}, PrivateKey: authority.key})
	clientCert, clientKey := write(t, authority.issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}))
	mutual := &tls.Config{Certificates: []tls.Certificate{authority.issueFor(t, "h.example")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool}
	// Before 1.3 the handshake tells the client that its certificate is missing.
	mutual.MaxVersion = tls.VersionTLS12
	plain := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.issueFor(t, "h.example")}})
	strange := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{other.issueFor(t, "h.example")}})
	old := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.issueFor(t, "h.example")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	asks := serveTLS(t, mutual)
	for _, tt := range []struct {
		name    string
		options connect.TLSOptions
		address string
		want    connect.Kind // "": the handshake succeeds
	}{
		{"the authority that is named", connect.TLSOptions{CACert: trusted, ServerName: "h.example"}, plain, ""},
		{"another authority", connect.TLSOptions{CACert: trusted, ServerName: "h.example"}, strange, connect.UnknownAuthority},
		{"another authority, insecure", connect.TLSOptions{CACert: trusted, ServerName: "h.example", Insecure: true}, strange, ""},
		{"the system's authorities", connect.TLSOptions{ServerName: "h.example"}, plain, connect.UnknownAuthority},
		{"another name", connect.TLSOptions{CACert: trusted, ServerName: "h.test"}, plain, connect.WrongName},
		{"another name, insecure", connect.TLSOptions{ServerName: "h.test", Insecure: true}, plain, ""},
		{"with a client certificate", connect.TLSOptions{CACert: trusted, ServerName: "h.example", Cert: clientCert, Key: clientKey}, asks, ""},
		{"without a client certificate", connect.TLSOptions{CACert: trusted, ServerName: "h.example"}, asks, connect.Handshake},
		{"TLS 1.1", connect.TLSOptions{CACert: trusted, ServerName: "h.example"}, old, connect.Handshake},
		{"TLS 1.1, insecure", connect.TLSOptions{Insecure: true}, old, connect.Handshake},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := tt.options.Config(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			d := &connect.Dialer{}
			_, err = d.Handshake(t.Context(), dial(t, d, tt.address), tt.address, config)
			checkKind(t, err, tt.want)
		})
	}
}

// The keys of each connection are added to the file, which nobody else may read. When the file
// cannot be written, the handshake fails, since somebody wants the keys.
func TestKeyLog(t *testing.T) {
	address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{newIssuer(t, "authority").issueFor(t, "h.example")}})
	d := &connect.Dialer{}
	handshake := func(t *testing.T, path string) error {
		t.Helper()
		config, err := connect.TLSOptions{Insecure: true, KeyLog: path}.Config(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Handshake(t.Context(), dial(t, d, address), address, config)
		return err
	}
	t.Run("written", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		writeFile(t, path, "# before\n")
		if err := errors.Join(handshake(t, path), handshake(t, path)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "CLIENT_TRAFFIC_SECRET_0 "); n != 2 || !strings.HasPrefix(string(text), "# before\n") {
			t.Errorf("the keys of %d connections, want 2, after the first line:\n%s", n, text)
		}
	})
	t.Run("made", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "keys")
		if err := handshake(t, path); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%v, %v", info, err)
		}
	})
	t.Run("not writable", func(t *testing.T) {
		dir := t.TempDir()
		err := handshake(t, dir)
		checkKind(t, err, connect.Handshake)
		want := address + ": TLS handshake: SSLKEYLOGFILE: open " + dir + ": is a directory"
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Error(diff)
		}
	})
}
