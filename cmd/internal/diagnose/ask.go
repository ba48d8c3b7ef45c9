package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rpcctl/rpcctl/cmd/internal/health"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// Questions are what a server is asked in calls.
type Questions struct {
	Invoker                   *invoke.Invoker
	Duplex                    invoke.Transport // for reflection when calls go over HTTP/1.1; may be nil
	Metadata, ReflectMetadata invoke.Metadata
	Service                   string
	Timeout                   time.Duration
	Done                      func(*Step)
	Refused                   func(error) error // adds which credentials went with a call
}

// Run asks whether gRPC is spoken, for reflection and for health.
func (q *Questions) Run(ctx context.Context, reached bool) {
	if !reached {
		for _, name := range []string{"grpc", "reflection", "health"} {
			q.Done(skippedStep(name, "no way to the server"))
		}
		return
	}
	wire := q.Invoker.Transport.Wire(invoke.Method{})
	speaks := &Step{Name: "grpc"}
	var state healthpb.HealthCheckResponse_ServingStatus
	var answer error
	speaks.measure(q.Invoker.Now, func() error {
		state, answer = health.Check(ctx, q.Invoker, q.Metadata, q.Service, q.Timeout)
		var se *invoke.StatusError
		if errors.As(answer, &se) && se.Status.Origin == invoke.OriginServer {
			return nil // that is gRPC, whatever it says
		}
		if notFound(answer) {
			return nil // any server may say that: reflection will tell
		}
		return answer
	})
	var reflection *Step
	if speaks.Verdict == OK {
		speaks.Detail = "it answers; protocol " + wire.Protocol
		reflection = q.reflection(ctx)
	}
	switch {
	case reflection == nil || reflection.Verdict == OK || !notFound(answer):
	case wire.Protocol == session.ProtocolGRPC: // whose servers say in gRPC that a method is not there
		speaks.fail(answer)
		reflection = nil
	default:
		speaks.Verdict, speaks.Detail = Warn, "not found is all that it answers, as any server of HTTP may"
		speaks.Hint = fmt.Sprintf("is it the right port, and does it speak %s?", wire.Protocol)
	}
	q.Done(speaks)
	if reflection == nil {
		q.Done(skippedStep("reflection", "no gRPC"))
		q.Done(skippedStep("health", "no gRPC"))
		return
	}
	q.Done(reflection)
	q.health(state, answer, slices.Contains(reflection.Services, healthpb.Health_ServiceDesc.ServiceName))
}

// notFound reports whether an error may come from any HTTP server: the router in front of the
// handlers knows no protocol, and answers 404 for a path that is not there
// (https://connectrpc.com/docs/protocol#http-to-error-code).
func notFound(err error) bool {
	var se *invoke.StatusError
	return errors.As(err, &se) && se.Status.Code == codes.Unimplemented && se.Status.Origin != invoke.OriginServer
}

// reflection asks for the services in each version of the reflection service.
func (q *Questions) reflection(ctx context.Context) *Step {
	p := &Step{Name: "reflection"}
	p.measure(q.Invoker.Now, func() error {
		var odd error
		for _, version := range []string{discovery.ReflectionV1, discovery.ReflectionV1Alpha} {
			names, err := q.services(ctx, version)
			switch {
			case err == nil:
				p.Versions, p.Services = append(p.Versions, version), names
			case !errors.As(err, new(*discovery.NoReflectionError)) && odd == nil:
				odd = err
			}
		}
		if len(p.Versions) > 0 {
			p.Detail = fmt.Sprintf("%s; %d services", strings.Join(p.Versions, " and "), len(p.Services))
			return nil
		}
		if odd == nil {
			p.Verdict, p.Detail = None, "the server has no reflection service"
			p.Hint = "give the schema with --proto FILE and -I DIR, or with --protoset FILE"
		}
		return q.Refused(odd)
	})
	return p
}

func (q *Questions) services(ctx context.Context, version string) ([]string, error) {
	r := discovery.Reflect(q.Invoker.Transport, discovery.ReflectOptions{
		Metadata: q.ReflectMetadata, Version: version, Timeout: q.Timeout, Duplex: q.Duplex,
	})
	services, err := r.Services(ctx)
	err = errors.Join(err, r.Close())
	var names []string
	for _, s := range services {
		names = append(names, string(s))
	}
	return names, err
}

// health judges the earlier answer of the health service. When reflection lists the service
// and calls to it are not implemented, something else is the reason, such as the compression.
func (q *Questions) health(state healthpb.HealthCheckResponse_ServingStatus, err error, listed bool) {
	p := &Step{Name: "health", Verdict: OK, Detail: health.StateName(state)}
	var se *invoke.StatusError
	switch {
	case notFound(err) && q.Service == "" && q.Invoker.Transport.Wire(invoke.Method{}).Protocol == session.ProtocolGRPC:
		// A server of gRPC answers in gRPC. One of Connect need not, nor a gateway.
		p.Verdict, p.Detail = Warn, plainCause(err)
	case errors.As(err, &se) && se.Status.Code == codes.Unimplemented && q.Service == "" && !listed:
		p.Verdict, p.Detail = None, "the server has no health service"
	case errors.As(err, &se) && se.Status.Code == codes.NotFound && q.Service == "":
		p.Verdict, p.Detail = None, "the health service does not know of the server as a whole"
	case err != nil:
		p.fail(q.Refused(err))
	case state != healthpb.HealthCheckResponse_SERVING:
		p.fail(health.Verdict(q.Service, state))
	}
	q.Done(p)
}
