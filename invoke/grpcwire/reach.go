package grpcwire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // service configs may ask for the health of addresses
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"

	"github.com/rpcctl/rpcctl/invoke"
)

// The ways to spread calls over the addresses of a name.
const (
	PickFirst  = "pick_first"
	RoundRobin = "round_robin"
)

// An OptionError is an option or a target that cannot be used.
type OptionError struct {
	Err  error
	Hint string // the next step, or ""
}

func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OptionError) Unwrap() error { return e.Err }

// checkTarget refuses a target that no resolver is linked for: grpc-go would take
// its text for an address.
func checkTarget(t invoke.Target) error {
	if t.Network != invoke.NetworkResolver {
		return nil
	}
	scheme, _, _ := strings.Cut(t.Address, ":")
	if resolver.Get(scheme) != nil {
		return nil
	}
	e := &OptionError{
		Err:  fmt.Errorf("target %q: no such scheme", invoke.MaskTarget(t.Address)),
		Hint: "a target is host:port, http://host, https://host, unix:PATH or dns:///host:port",
	}
	if scheme == "xds" {
		e.Err, e.Hint = errors.New(
			"this rpcctl is built without xds"), "build it with: go install -tags xds github.com/rpcctl/rpcctl@latest"
	}
	return e
}

// serviceConfig returns the service config for the options, "" for none.
func (o *Options) serviceConfig() (string, error) {
	switch {
	case o.ServiceConfig != "":
		if !json.Valid([]byte(o.ServiceConfig)) {
			return "", &OptionError{Err: errors.New("the service config is not JSON")}
		}
		// Only a client finds out whether it is valid. This one never connects.
		probe, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultServiceConfig(o.ServiceConfig))
		if err != nil {
			return "", &OptionError{Err: fmt.Errorf("the service config is not one: %w", err)}
		}
		return o.ServiceConfig, probe.Close()
	case o.LoadBalancing != "":
		return fmt.Sprintf(`{"loadBalancingConfig":[{%q:{}}]}`, o.LoadBalancing), nil
	}
	return "", nil
}

// reachOptions are the options of grpc-go for how servers are reached.
func (t *Transport) reachOptions() []grpc.DialOption {
	opts := []grpc.DialOption{grpc.WithResolvers(names{t})}
	if !strings.HasPrefix(t.target.Address, "xds:") {
		// Text records of the name service are not read for service configs. What xds finds
		// comes as one, too.
		opts = append(opts, grpc.WithDisableServiceConfig())
	}
	if t.o.ServiceConfig == "" {
		opts = append(opts, grpc.WithDisableRetry())
	}
	if t.config != "" {
		opts = append(opts, grpc.WithDefaultServiceConfig(t.config))
	}
	if t.o.Keepalive > 0 {
		opts = append(opts, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: t.o.Keepalive, Timeout: min(t.o.Keepalive, maxPingWait), PermitWithoutStream: true,
		}))
	}
	return opts
}

// maxPingWait is how long a server may take to answer that it lives.
const maxPingWait = 5 * time.Second

// name is the target in grpc-go's form. A plain host:port bypasses its resolvers, since net
// dials a name's addresses better, and says what is wrong; except when calls are to be spread
// over the addresses.
func (t *Transport) name() string {
	switch {
	case t.target.Network == invoke.NetworkResolver:
		return t.target.Address
	case t.config != "" && t.target.Network == "tcp" && isName(t.target.Host()):
		return "dns:///" + t.target.Address
	}
	// A character that is not allowed in a URL may be part of a path, or of the zone of an
	// address.
	return "passthrough:///" + url.PathEscape(t.target.Address)
}

func isName(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil
}

// resolvedName is the name that a target of grpc-go's resolver stands for, for
// people: host:port of dns://authority/host:port.
func resolvedName(target string) string {
	_, rest, _ := strings.Cut(target, "://")
	if _, name, ok := strings.Cut(rest, "/"); ok && name != "" {
		return name
	}
	return target
}

// dialled returns an address for people: the name that was asked for, with the address that
// grpc-go's resolver found for it.
func (t *Transport) dialled(address string) string {
	if t.target.Network == "tcp" && t.config == "" {
		return t.target.Address
	}
	host, _, err := net.SplitHostPort(address)
	name := t.target.Address
	if t.target.Network == invoke.NetworkResolver {
		name = resolvedName(name)
	}
	if err != nil || isName(host) || name == address {
		return address
	}
	return name + " (" + address + ")"
}

// dialledConn is a connection to one of the addresses of a name.
type dialledConn struct {
	net.Conn
	address string // for people
}
