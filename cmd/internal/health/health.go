// Package health asks the health service of gRPC
// (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
package health

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// A NotServingError is a server, or a service, that says it is not up.
type NotServingError struct {
	Service string // "" is the server
	Status  string // its answer, such as NOT_SERVING
}

func (e *NotServingError) Error() string {
	if e.Service == "" {
		return "the server is " + e.Status
	}
	return e.Service + " is " + e.Status
}

// method is a method of the health service.
func method(name protoreflect.Name) protoreflect.MethodDescriptor {
	return healthpb.File_grpc_health_v1_health_proto.Services().ByName("Health").Methods().ByName(name)
}

// Call is a call of the health service.
func Call(name protoreflect.Name, md invoke.Metadata, service string, timeout time.Duration) (*invoke.Call, error) {
	wire, err := proto.Marshal(&healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		return nil, err
	}
	return &invoke.Call{Method: method(name), Metadata: md, Requests: invoke.Messages(wire), Timeout: timeout}, nil
}

// Check asks once whether a service is up; "" is the server.
func Check(
	ctx context.Context, invoker *invoke.Invoker, md invoke.Metadata, service string, timeout time.Duration,
) (healthpb.HealthCheckResponse_ServingStatus, error) {
	call, err := Call("Check", md, service, timeout)
	if err != nil {
		return 0, err
	}
	answer, err := invoker.One(ctx, call)
	if err != nil {
		return 0, err
	}
	return Answer(answer)
}

// Answer returns what a response of the health service says.
func Answer(m *invoke.Message) (healthpb.HealthCheckResponse_ServingStatus, error) {
	var r healthpb.HealthCheckResponse
	if err := proto.Unmarshal(m.Wire, &r); err != nil {
		return 0, fmt.Errorf("reading the answer of the health service: %w", err)
	}
	return r.GetStatus(), nil
}

// StateName is the name of an answer, or its number.
func StateName(s healthpb.HealthCheckResponse_ServingStatus) string {
	if n, ok := healthpb.HealthCheckResponse_ServingStatus_name[int32(s)]; ok {
		return n
	}
	return fmt.Sprintf("STATUS_%d", s)
}

// Verdict is the error for an answer. The error for a service that a watch does not know is
// the one that Check returns.
func Verdict(service string, state healthpb.HealthCheckResponse_ServingStatus) error {
	switch state {
	case healthpb.HealthCheckResponse_SERVING:
		return nil
	case healthpb.HealthCheckResponse_SERVICE_UNKNOWN:
		return (&invoke.Status{
			Code: codes.NotFound, Message: fmt.Sprintf("unknown service %q", service),
			Origin: invoke.OriginServer,
		}).Err()
	}
	return &NotServingError{Service: service, Status: StateName(state)}
}
