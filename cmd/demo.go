package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/testserver"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	listen, unix string
	tls, mtls    bool
	http3        bool
	certDir      string
	reflection   flags.Choice
}

func newDemo(a *app.App) *cobra.Command {
	o := &demoOptions{reflection: flags.Choice{
		Value:   string(testserver.ReflectionBoth),
		Allowed: []string{"both", "v1", "v1alpha", "none"},
	}}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Serve the bundled demo services",
		Long: `Serve the demo services: a greeter, a small shop with state, a laboratory of
everything protobuf and gRPC can do, health and reflection. It answers gRPC,
gRPC-Web and Connect on one port, pages in browsers included.

  rpcctl demo
  rpcctl demo --listen 127.0.0.1:0
  rpcctl demo --mtls --cert-dir /tmp/demo-certs

It serves until it is interrupted.`,
		Args: usage.Words(0, 0),
		RunE: func(c *cobra.Command, _ []string) error { return serveDemo(c.Context(), a, o) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:50051", "`HOST:PORT` to listen on; port 0 takes a free one")
	f.StringVar(&o.unix, "unix", "", "listen on a socket at `PATH` instead")
	f.BoolVar(&o.tls, "tls", false, "serve TLS, with certificates made for the day")
	f.BoolVar(&o.mtls, "mtls", false, "the same, and demand the client's certificate")
	f.BoolVar(&o.http3, "http3", false, "with TLS: answer HTTP/3 too, on the same port")
	f.StringVar(&o.certDir, "cert-dir", "", "`DIR` to write the certificates to, for clients")
	f.Var(&o.reflection, "reflection", "reflection services")
	return c
}

// demoMemory is how much memory the demo may have in use, in bytes, before it closes its
// connections. What calls are known to take has budgets below it.
const demoMemory = 384 << 20

func serveDemo(ctx context.Context, a *app.App, o *demoOptions) (err error) {
	memory.Collect(memory.Usual)
	memory.Served.Store(true)
	if err := checkListen(o.listen); err != nil {
		return err
	}
	if o.http3 && (!o.tls && !o.mtls || o.unix != "") {
		return problem.Usage(errors.New("--http3 goes with --tls or --mtls, on a port"), "")
	}
	options := testserver.Options{
		Now: a.Env.Now, MaxMemory: demoMemory,
		Reflection: testserver.Reflection(o.reflection.Value),
	}
	flags, err := o.secure(&options)
	if err != nil {
		return err
	}
	l, target, err := o.open()
	if err != nil {
		return err
	}
	server := testserver.New(options)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	if o.http3 {
		datagrams, uerr := net.ListenPacket("udp", target)
		if uerr != nil {
			return errors.Join(fmt.Errorf("listening on %s for HTTP/3: %w", target, listenError(uerr)), l.Close())
		}
		done := make(chan error, 1)
		go func() {
			defer fault.Exit()
			done <- server.ServeHTTP3(datagrams)
		}()
		defer func() {
			server.Stop()
			err = errors.Join(err, <-done)
		}()
	}
	if _, err := fmt.Fprint(a.Env.Stdout, greeting(target, strings.TrimSpace(target+" "+flags))); err != nil {
		return errors.Join(err, l.Close())
	}
	return server.Serve(l)
}

// checkListen refuses what is no address to listen on.
func checkListen(address string) error {
	const hint = "--listen HOST:PORT, with port 0 for a free one: --listen 127.0.0.1:0"
	_, port, err := net.SplitHostPort(address)
	var ae *net.AddrError
	if errors.As(err, &ae) {
		return problem.Usage(fmt.Errorf("--listen %q: %s", address, ae.Err), hint)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return problem.Usage(fmt.Errorf("--listen %q: port %q is not a number from 0 to 65535", address, port), hint)
	}
	return nil
}

// greeting tells where the demo is and three commands to try.
func greeting(target, flags string) string {
	at := "rpcctl -a " + flags
	return fmt.Sprintf(`serving on %s

  %s list
  %s call Greeter.SayHello name=World
  %s call Shop.Watch count=3 delay_ms=500

Ctrl-C stops it.
`, target, at, at, at)
}

// open listens, and returns the target for clients.
func (o *demoOptions) open() (net.Listener, string, error) {
	if o.unix != "" {
		l, err := net.Listen("unix", o.unix)
		if err != nil {
			return nil, "", fmt.Errorf("listening on %s: %w", o.unix, listenError(err))
		}
		return l, "unix:" + o.unix, nil
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, "", fmt.Errorf("listening on %s: %w", o.listen, listenError(err))
	}
	return l, l.Addr().String(), nil
}

// listenError leaves out the address that net repeats.
func listenError(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) && errors.Is(err, syscall.EADDRINUSE) {
		return sys.Err
	}
	return err
}

// secure adds the certificates, and returns the flags with which a client
// connects.
func (o *demoOptions) secure(options *testserver.Options) (string, error) {
	if !o.tls && !o.mtls {
		return "", nil
	}
	if o.certDir == "" {
		return "", problem.Usage(errors.New("--tls and --mtls need --cert-dir"),
			"the certificates are written there: --cert-dir /tmp/demo-certs")
	}
	certs, err := testserver.NewCerts(options.Now())
	if err != nil {
		return "", err
	}
	if err := certs.Write(o.certDir); err != nil {
		return "", err
	}
	options.TLS = certs.Server(o.mtls)
	flags := "--cacert " + filepath.Join(o.certDir, "ca.pem")
	if o.mtls {
		flags += " --cert " + filepath.Join(o.certDir, "client.pem") + " --key " +
			filepath.Join(o.certDir, "client-key.pem")
	}
	return flags, nil
}
