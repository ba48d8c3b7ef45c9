package connect_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A toldStep is a reported step in a form that a table can compare.
type toldStep struct {
	Address, Remote string
	Protocol        string // that the handshake agreed on; "none" when the step is no handshake
	Kind            connect.Kind
}

// recordSteps returns a dialer and the steps that it has reported so far.
func recordSteps(t *testing.T) (*connect.Dialer, func() []toldStep) {
	var told []toldStep
	return &connect.Dialer{Told: func(s connect.Step) {
		step := toldStep{Address: s.Address, Remote: s.Remote, Protocol: "none"}
		if s.TLS != nil {
			step.Protocol = s.TLS.NegotiatedProtocol
		}
		var e *connect.Error
		if errors.As(s.Err, &e) {
			step.Kind = e.Kind
		}
		if s.Took < 0 || s.Err != nil && e == nil {
			t.Errorf("took %s: %v", s.Took, s.Err)
		}
		told = append(told, step)
	}}, func() []toldStep { return told }
}

// Connecting and the handshake are reported separately, whether they succeed or fail.
func TestSteps(t *testing.T) {
	authority := newIssuer(t, "authority")
	address := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{authority.issueFor(t, "h.example")}, NextProtos: []string{"h2"}})
	d, told := recordSteps(t)
	for _, host := range []string{"h.example", "h.test"} {
		config := &tls.Config{RootCAs: authority.pool, ServerName: host, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
		_, _ = d.Handshake(t.Context(), dial(t, d, address), "h:1", config)
	}
	if _, err := d.Dial(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("somebody listens at port 1")
	}
	want := []toldStep{
		{Address: address, Remote: address, Protocol: "none"},
		{Address: "h:1", Protocol: "h2"},
		{Address: address, Remote: address, Protocol: "none"},
		{Address: "h:1", Protocol: "none", Kind: connect.WrongName},
		{Address: "127.0.0.1:1", Protocol: "none", Kind: connect.Refused},
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Error(diff)
	}
}

// The remote address is reported for connections of the network only.
func TestStepsNameTheRemoteAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := serve(t, silent)
	for _, tt := range []struct{ name, network, address, remote string }{
		{"tcp", "tcp", address, address},
		{"a socket", "unix", path, path},
		{"the server in this process", "demo", address, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, told := recordSteps(t)
			if tt.network == "demo" {
				d.Net = func(ctx context.Context, _, address string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", address)
				}
			}
			conn, err := d.Dial(t.Context(), tt.network, tt.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			want := []toldStep{{Address: tt.address, Remote: tt.remote, Protocol: "none"}}
			if diff := cmp.Diff(want, told()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
