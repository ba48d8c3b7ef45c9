package grpcwire

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"google.golang.org/grpc/resolver"
)

// names finds the addresses behind dns:// for one transport. The resolver of grpc-go cannot be
// interrupted while a name server is silent, and keeps only the text of an error.
type names struct{ t *Transport }

// Scheme is that of the targets.
func (names) Scheme() string { return "dns" }

// How long a name is not asked for again, after an answer and after none.
const (
	askAgain   = 30 * time.Second
	askAgainOn = time.Second
)

// Build begins to look for the addresses of a target
// (https://github.com/grpc/grpc/blob/master/doc/naming.md).
func (n names) Build(
	target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions,
) (resolver.Resolver, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lookup{
		t: n.t, cc: cc, cancel: cancel, server: target.URL.Host, address: withPort(target.Endpoint()),
		now: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go l.run(ctx)
	return l, nil
}

// withPort adds gRPC's default port, and the host when there is only a port.
func withPort(endpoint string) string {
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil {
		host, port = strings.Trim(endpoint, "[]"), "443"
	}
	return net.JoinHostPort(cmp.Or(host, "localhost"), port)
}

// lookup asks for the addresses of one name.
type lookup struct {
	t       *Transport
	cc      resolver.ClientConn
	server  string // that knows the name; "": the system's
	address string // host:port
	now     chan struct{}
	cancel  context.CancelFunc
	ended   chan struct{}
}

// ResolveNow asks again, if it is not too soon.
func (l *lookup) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case l.now <- struct{}{}:
	default:
	}
}

// Close ends the asking.
func (l *lookup) Close() {
	l.cancel()
	<-l.ended
}

// run asks, and again when somebody wants to know or when there was no answer.
func (l *lookup) run(ctx context.Context) {
	defer close(l.ended)
	for {
		pause, again := askAgain, l.now
		if !l.ask(ctx) {
			pause, again = askAgainOn, nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if again == nil {
			continue
		}
		select {
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// ask asks once, and gives the result to grpc-go.
func (l *lookup) ask(ctx context.Context) bool {
	addrs, err := l.t.o.Connect.Lookup(ctx, l.server, l.address)
	if ctx.Err() != nil {
		return false
	}
	if err == nil {
		err = l.cc.UpdateState(resolver.State{Addresses: dialable(addrs, l.address)})
		return err == nil
	}
	l.t.note(err)
	l.cc.ReportError(err)
	return false
}

// dialable gives addresses the port of host:port.
func dialable(addrs []netip.Addr, address string) []resolver.Address {
	port := address[strings.LastIndex(address, ":")+1:]
	var found []resolver.Address
	for _, a := range addrs {
		found = append(found, resolver.Address{Addr: net.JoinHostPort(a.String(), port)})
	}
	return found
}
