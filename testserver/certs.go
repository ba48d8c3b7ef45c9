package testserver

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/rpcctl/rpcctl/internal/outfile"
)

// Names of the files that Certs.Write makes.
const (
	CAFile        = "ca.pem"
	ServerFile    = "server.pem"
	ServerKeyFile = "server-key.pem"
	ClientFile    = "client.pem"
	ClientKeyFile = "client-key.pem"
)

const (
	certLife = 24 * time.Hour
	// Clocks differ, and a certificate that is not valid yet would be refused.
	certSkew = 5 * time.Minute
	// marker is the first line of every file, and marks it as ours.
	marker = "# A throwaway certificate of the rpcctl demo server. Trust it for nothing else.\n"
)

// Certs is a throwaway certificate authority with a certificate for a server on this machine
// (localhost, 127.0.0.1 and ::1) and one for a client. The keys are ECDSA P-256, and
// everything is valid for a day. The authority's own key is not kept. It is not changed after
// it was made, and safe for concurrent use.
type Certs struct {
	ca             []byte // PEM, as all of these
	server, client keyPair
	serverTLS      tls.Certificate
	clientTLS      tls.Certificate
	pool           *x509.CertPool
}

type keyPair struct{ cert, key []byte }

// NewCerts makes certificates that are valid from a little before now.
func NewCerts(now time.Time) (*Certs, error) {
	authority := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "rpcctl demo CA"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the key of the CA: %w", err)
	}
	der, err := sign(authority, authority, &key.PublicKey, key, now)
	if err != nil {
		return nil, fmt.Errorf("making the CA: %w", err)
	}
	if authority, err = x509.ParseCertificate(der); err != nil {
		return nil, fmt.Errorf("reading the CA back: %w", err)
	}
	c := &Certs{ca: encode("CERTIFICATE", der), pool: x509.NewCertPool()}
	c.pool.AddCert(authority)
	server := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "rpcctl demo server"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if c.server, c.serverTLS, err = issue(server, authority, key, now); err != nil {
		return nil, fmt.Errorf("making the server's certificate: %w", err)
	}
	client := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "rpcctl demo client"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if c.client, c.clientTLS, err = issue(client, authority, key, now); err != nil {
		return nil, fmt.Errorf("making the client's certificate: %w", err)
	}
	return c, nil
}

// issue makes a key and has the authority sign a certificate for it.
func issue(
	template, authority *x509.Certificate, authorityKey *ecdsa.PrivateKey, now time.Time,
) (keyPair, tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return keyPair{}, tls.Certificate{}, err
	}
	der, err := sign(template, authority, &key.PublicKey, authorityKey, now)
	if err != nil {
		return keyPair{}, tls.Certificate{}, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return keyPair{}, tls.Certificate{}, err
	}
	pair := keyPair{cert: encode("CERTIFICATE", der), key: encode("PRIVATE KEY", encoded)}
	loaded, err := tls.X509KeyPair(pair.cert, pair.key)
	return pair, loaded, err
}

func sign(
	template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey, now time.Time,
) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = now.Add(-certSkew), now.Add(certLife)
	return x509.CreateCertificate(rand.Reader, template, parent, public, key)
}

func encode(kind string, der []byte) []byte {
	return append([]byte(marker), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
}

// Server returns the server's side of TLS. With mutual it demands a client's certificate that
// the authority signed. The caller owns the result.
func (c *Certs) Server(mutual bool) *tls.Config {
	config := &tls.Config{Certificates: []tls.Certificate{c.serverTLS}, MinVersion: tls.VersionTLS12}
	if mutual {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		config.ClientCAs = c.pool
	}
	return config
}

// Client returns the client's side of TLS, which trusts the authority and nothing else. With
// mutual it has the client's certificate. The caller owns the result.
func (c *Certs) Client(mutual bool) *tls.Config {
	config := &tls.Config{RootCAs: c.pool, MinVersion: tls.VersionTLS12}
	if mutual {
		config.Certificates = []tls.Certificate{c.clientTLS}
	}
	return config
}

// Write puts the certificates and keys into dir as PEM files, keys readable by nobody else. It
// makes dir, for nobody else, when it is not there. Files of an earlier Write are replaced;
// when a file of these names is not from the demo, nothing is written and the error wraps
// [fs.ErrExist].
func (c *Certs) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making a folder for certificates: %w", err)
	}
	files := []struct {
		name string
		data []byte
		mode fs.FileMode
	}{
		{CAFile, c.ca, 0o644},
		{ServerFile, c.server.cert, 0o644},
		{ServerKeyFile, c.server.key, 0o600},
		{ClientFile, c.client.cert, 0o644},
		{ClientKeyFile, c.client.key, 0o600},
	}
	for _, file := range files {
		if err := replaceable(filepath.Join(dir, file.name)); err != nil {
			return err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("writing certificates: %w", err)
	}
	defer root.Close()
	for _, file := range files {
		if err := outfile.Replace(root, file.name, file.data, outfile.Options{Mode: file.mode}); err != nil {
			return fmt.Errorf("writing certificates: %w", err)
		}
	}
	return nil
}

// replaceable returns an error unless path is free or a file of ours.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for certificates: %w", err)
	}
	// Only a plain file is read: opening a pipe could wait for ever.
	if info.Mode().IsRegular() && info.Size() < 64<<10 {
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("looking for certificates: %w", err)
		}
		if bytes.HasPrefix(data, []byte(marker)) {
			return nil
		}
	}
	return fmt.Errorf("%s is not a file of the demo server, so it stays: %w", path, fs.ErrExist)
}
