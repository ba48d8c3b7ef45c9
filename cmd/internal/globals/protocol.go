package globals

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
)

// protocolFlags are the flags that say how calls are carried.
type protocolFlags struct {
	protocol, http, codec, compress flags.Choice
	get                             bool
}

// add defines the flags.
func (w *protocolFlags) add(f *pflag.FlagSet) {
	w.protocol = flags.Choice{
		Value:   session.ProtocolGRPC,
		Allowed: []string{session.ProtocolGRPC, httpwire.GRPCWeb, httpwire.Connect},
	}
	w.http.Allowed = []string{connect.VersionHTTP1, connect.VersionHTTP2, connect.VersionHTTP3}
	w.codec = flags.Choice{Value: invoke.CodecProto, Allowed: []string{invoke.CodecProto, invoke.CodecJSON}}
	w.compress = flags.Choice{
		Value:   compress.Identity,
		Allowed: append([]string{compress.Identity}, compress.Names()...),
	}
	f.Var(&w.protocol, "protocol", "protocol of calls")
	f.Var(&w.http, "http", "version of HTTP (default: what the server has)")
	f.Var(&w.codec, "codec", "encoding of messages on the wire")
	f.Var(&w.compress, "compress", "compression of requests")
	f.BoolVar(&w.get, "get", false, "Connect: call with GET, which caches keep; for methods without side effects")
}

// settings returns the settings of the protocol, or a usage error for flags that do not go
// together.
func (w *protocolFlags) settings(target *invoke.Target) (session.Wire, error) {
	s := session.Wire{Protocol: w.protocol.Value, HTTP: w.http.Value, Codec: w.codec.Value, Get: w.get}
	if w.compress.Value != compress.Identity {
		s.Compress = w.compress.Value
	}
	grpc := s.Protocol == session.ProtocolGRPC
	switch {
	case grpc && s.HTTP != "" && s.HTTP != connect.VersionHTTP2:
		return s, problem.Usage(fmt.Errorf("gRPC has no HTTP/%s", s.HTTP), othersHave)
	case s.Protocol != httpwire.Connect && s.Get:
		return s, problem.Usage(errors.New("--get is for --protocol connect"), "")
	case target == nil:
		return s, nil
	}
	return s, reaches(s, target)
}

const othersHave = "--protocol connect and --protocol grpc-web have others"

// reaches returns a usage error for a target that a protocol cannot be spoken with.
func reaches(s session.Wire, target *invoke.Target) error {
	grpc := s.Protocol == session.ProtocolGRPC
	switch {
	case grpc && target.Prefix != "":
		return problem.Usage(fmt.Errorf("%s: gRPC has no paths before the service's name", target), othersHave)
	case s.HTTP == connect.VersionHTTP3 && (target.Security == invoke.SecurityPlaintext || target.Network != "tcp"):
		return problem.Usage(fmt.Errorf("%s: HTTP/3 is always over TLS, to a host and port", target),
			"https://HOST:PORT")
	case !grpc && target.Network == invoke.NetworkResolver:
		return problem.Usage(fmt.Errorf("%s: only gRPC has such targets", target), "give host:port")
	}
	return nil
}

// checkGet returns a usage error when --get is given for a method that may have effects.
func (w *protocolFlags) checkGet(c *invoke.Call) error {
	if m := c.WireMethod(); w.get && !m.NoSideEffects {
		return problem.Usage(fmt.Errorf("%s is not marked as free of side effects, so --get may not call it",
			invoke.MethodName(c.Method)),
			"the mark is in the schema: option idempotency_level = NO_SIDE_EFFECTS")
	}
	return nil
}
