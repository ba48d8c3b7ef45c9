package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// questions are what a server is asked in calls.
type questions struct {
	invoker                   *invoke.Invoker
	metadata, reflectMetadata invoke.Metadata
	service                   string
	timeout                   time.Duration
	done                      func(*step)
}

// ask asks whether gRPC is spoken, for reflection and for health.
func (q *questions) ask(ctx context.Context, reached bool) {
	if !reached {
		for _, name := range []string{"grpc", "reflection", "health"} {
			q.done(skippedStep(name, "no way to the server"))
		}
		return
	}
	speaks := &step{Name: "grpc"}
	var state healthpb.HealthCheckResponse_ServingStatus
	var answer error
	speaks.measure(q.invoker.Now, func() error {
		state, answer = checkHealth(ctx, q.invoker, q.metadata, q.service, q.timeout)
		var se *invoke.StatusError
		if errors.As(answer, &se) && se.Status.Origin == invoke.OriginServer {
			return nil // that is gRPC, whatever it says
		}
		return answer
	})
	if wire := q.invoker.Transport.Wire(invoke.Method{}); speaks.Verdict == stepOK {
		speaks.Detail = "it answers; protocol " + wire.Protocol
	}
	q.done(speaks)
	if speaks.Verdict != stepOK {
		q.done(skippedStep("reflection", "no gRPC"))
		q.done(skippedStep("health", "no gRPC"))
		return
	}
	q.reflection(ctx)
	q.health(state, answer)
}

// reflection asks for the services in each version of the reflection service.
func (q *questions) reflection(ctx context.Context) {
	p := &step{Name: "reflection"}
	p.measure(q.invoker.Now, func() error {
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
			p.Verdict, p.Detail = stepNone, "the server has no reflection service"
			p.Hint = "give the schema with --proto FILE and -I DIR, or with --protoset FILE"
		}
		return odd
	})
	q.done(p)
}

func (q *questions) services(ctx context.Context, version string) ([]string, error) {
	r := discovery.Reflect(q.invoker.Transport, discovery.ReflectOptions{Metadata: q.reflectMetadata, Version: version, Timeout: q.timeout})
	services, err := r.Services(ctx)
	err = errors.Join(err, r.Close())
	var names []string
	for _, s := range services {
		names = append(names, string(s))
	}
	return names, err
}

// health judges the answer that the health service gave before.
func (q *questions) health(state healthpb.HealthCheckResponse_ServingStatus, err error) {
	p := &step{Name: "health", Verdict: stepOK, Detail: stateName(state)}
	var se *invoke.StatusError
	switch {
	case errors.As(err, &se) && se.Status.Code == codes.Unimplemented && q.service == "":
		p.Verdict, p.Detail = stepNone, "the server has no health service"
	case errors.As(err, &se) && se.Status.Code == codes.NotFound && q.service == "":
		p.Verdict, p.Detail = stepNone, "the health service does not know of the server as a whole"
	case err != nil:
		p.fail(err)
	case state != healthpb.HealthCheckResponse_SERVING:
		p.fail(verdict(q.service, state))
	}
	q.done(p)
}
