package globals

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// reachFlags say how a server is reached, and how often and how long that is tried.
type reachFlags struct {
	lb            flags.Choice
	serviceConfig string
	keepalive     flags.Seconds
	userAgent     string
	wait          flags.Seconds
	retry         int
}

const (
	// defaultWait is how long --wait waits without a value.
	defaultWait = 30 * time.Second
	// leastKeepalive is the shortest time between two questions whether a connection lives,
	// which gRPC sets
	// (https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md).
	leastKeepalive = 10 * time.Second
	// maxServiceConfig is the size of the greatest file with a service config, in bytes.
	maxServiceConfig = 1 << 20
)

// add defines the flags.
func (o *reachFlags) add(f *pflag.FlagSet) {
	o.lb = flags.Choice{Allowed: []string{"pick_first", "round_robin"}}
	f.Var(&o.lb, "lb", "how calls are spread over the addresses of a name")
	f.StringVar(&o.serviceConfig, "service-config", "", "a gRPC service config, a JSON `FILE`")
	f.Var(&o.keepalive, "keepalive-time",
		"ping a server that was silent for this long (10s at least)")
	f.StringVar(&o.userAgent, "user-agent", "", "the `TEXT` to claim as user-agent, before that of gRPC")
	f.Var(&o.wait, "wait", "wait until the server is up, for 30s or the time given: --wait=2m")
	f.Lookup("wait").NoOptDefVal = defaultWait.String()
	f.IntVar(&o.retry, "retry", 0, "try a call again up to `N` times when it is UNAVAILABLE before any answer")
}

// apply sets what the flags and the environment say in settings.
func (o *reachFlags) apply(ctx context.Context, s *session.Settings, env *env.Env) error {
	switch {
	case o.lb.Value != "" && o.serviceConfig != "":
		return problem.Usage(errors.New("--lb and --service-config both say how calls are spread"), "")
	case o.keepalive > 0 && o.keepalive.Duration() < leastKeepalive:
		return problem.Usage(fmt.Errorf("--keepalive-time: %s is less than %s, the least that gRPC allows",
			o.keepalive.Duration(), leastKeepalive), "")
	case !invoke.ValidText(o.userAgent):
		return problem.Usage(errors.New("--user-agent: characters that are not printable ASCII"), "")
	case o.retry < 0:
		return problem.Usage(fmt.Errorf("--retry: %d is negative", o.retry), "")
	}
	if o.serviceConfig != "" {
		text, err := boundfile.Read(ctx, o.serviceConfig, maxServiceConfig)
		if err != nil {
			return fmt.Errorf("--service-config: %w", err)
		}
		s.ServiceConfig = string(text)
	}
	s.LoadBalancing = o.lb.Value
	s.Keepalive = o.keepalive.Duration()
	if o.userAgent != "" {
		s.UserAgent = o.userAgent
	}
	s.Proxy = connect.ProxyFromEnvironment(env.Getenv)
	s.TLS.KeyLog = env.Getenv("SSLKEYLOGFILE")
	return nil
}
