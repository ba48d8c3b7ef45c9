package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// TLSOptions name what a TLS connection needs. They are plain data; Config reads
// the files.
type TLSOptions struct {
	CACert     string // file of PEM certificates to trust instead of the system's; "": the system's
	Cert, Key  string // files of a client certificate and its key; both or neither
	ServerName string // the name that the server's certificate must have; "": the target's host
	Insecure   bool   // the server's certificate is not verified
	KeyLog     string // file to which the keys of connections are added, for programs that show traffic; "": none
}

// Config returns the TLS configuration for a client, whose files are read until ctx is done.
// The system's roots are not read before a certificate has to be verified.
func (o TLSOptions) Config(ctx context.Context) (*tls.Config, error) {
	c := &tls.Config{
		ServerName:         o.ServerName,
		InsecureSkipVerify: o.Insecure,
		MinVersion:         tls.VersionTLS12,
	}
	if o.KeyLog != "" {
		c.KeyLogWriter = keyLog(o.KeyLog)
	}
	if o.CACert != "" {
		pem, err := readPEM(ctx, o.CACert)
		if err != nil {
			return nil, fmt.Errorf("reading the trusted certificates: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the trusted certificates: %s: no PEM certificate in it", o.CACert)
		}
	}
	if (o.Cert == "") != (o.Key == "") {
		return nil, errors.New("a client certificate needs both a certificate and a key")
	}
	if o.Cert != "" {
		pair, err := readPair(ctx, o.Cert, o.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// maxPEM is the size of the greatest file of certificates, in bytes. Those of whole systems
// are a quarter of a megabyte.
const maxPEM = 4 << 20

// readPEM reads a file of certificates or a key, which may be a pipe from a program.
func readPEM(ctx context.Context, path string) ([]byte, error) {
	return boundfile.Read(ctx, path, maxPEM)
}

func readPair(ctx context.Context, cert, key string) (tls.Certificate, error) {
	certPEM, err := readPEM(ctx, cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, err := readPEM(ctx, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(certPEM, keyPEM)
}

// keyLog is the file for the keys of connections. It is opened for each line and
// closed again: connections are few, and several programs may write to one file.
type keyLog string

// Write adds a line. When it cannot, the handshake fails.
func (k keyLog) Write(line []byte) (int, error) {
	f, err := os.OpenFile(string(k), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, &keyLogError{err}
	}
	n, err := f.Write(line)
	if err = errors.Join(err, f.Close()); err != nil {
		return n, &keyLogError{err}
	}
	return n, nil
}

// keyLogError is a file of keys that cannot be written.
type keyLogError struct{ err error }

func (e *keyLogError) Error() string { return "SSLKEYLOGFILE: " + e.err.Error() }
func (e *keyLogError) Unwrap() error { return e.err }
