package testserver

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func unavailable(message string, retry time.Duration) error {
	return failure(codes.Unavailable, message, &errdetails.RetryInfo{RetryDelay: durationpb.New(retry)})
}

func (*lab) Fail(_ context.Context, r *demov1.FailRequest) (*demov1.FailReply, error) {
	if err := wanted(r); err != nil {
		return nil, err
	}
	return &demov1.FailReply{Message: "code 0 is success"}, nil
}

func (*lab) FailAfter(r *demov1.FailAfterRequest, stream grpc.ServerStreamingServer[demov1.FailAfterReply]) error {
	p, err := newPace(r.Count, 3, r.GetDelayMs())
	if err != nil {
		return err
	}
	err = p.each(stream.Context(), func(i int) error {
		return stream.Send(&demov1.FailAfterReply{Seq: int32(i + 1), Of: int32(p.count)})
	})
	if err != nil {
		return err
	}
	return wanted(r.GetFailure())
}

// wanted returns the failure that a request asks for, or nil for code 0.
func wanted(r *demov1.FailRequest) error {
	s := &statuspb.Status{
		Code:    int32(codes.FailedPrecondition),
		Message: "this failed because you asked for it: code, message and details choose another failure",
	}
	if r != nil && r.Code != nil {
		s.Code = r.GetCode()
	}
	if r != nil && r.Message != nil {
		s.Message = r.GetMessage()
	}
	var f faults
	f.within("code", int64(s.Code), 0, 1<<31-1)
	if err := f.err(); err != nil {
		return err
	}
	s.Details = r.GetDetails()
	if r.GetAllDetails() {
		for _, detail := range standardDetails() {
			packed, err := anypb.New(detail)
			if err != nil {
				return fmt.Errorf("packing a detail: %w", err)
			}
			s.Details = append(s.Details, packed)
		}
	}
	if r.GetOddDetails() {
		s.Details = append(s.Details, unknownAny(), brokenAny())
	}
	return status.FromProto(s).Err()
}

// standardDetails has one of each error detail of google.rpc.
func standardDetails() []proto.Message {
	return []proto.Message{
		&errdetails.ErrorInfo{Reason: "OUT_OF_TEA", Domain: domain, Metadata: map[string]string{"shelf": "3", "tea": "green"}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.DebugInfo{StackEntries: []string{"kettle.boil(kettle.go:12)", "main.main()"}, Detail: "the kettle is empty"},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
			{Subject: "user:ada", Description: "five cups a day"},
		}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
			{Type: "WATER", Subject: "kettle", Description: "must be full"},
		}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "cup.size", Description: "must be greater than 0"},
			{Field: "sugar", Description: "must be 0 to 2"},
		}},
		&errdetails.RequestInfo{RequestId: "req-42", ServingData: "served by pot 7"},
		&errdetails.ResourceInfo{ResourceType: "tea", ResourceName: "green", Owner: "user:ada", Description: "is not on the shelf"},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "how to make tea", Url: "https://rpcctl.example/tea"}}},
		&errdetails.LocalizedMessage{Locale: "fr-FR", Message: "il n'y a plus de thé"},
	}
}

// unknownAny has a type that nobody knows.
func unknownAny() *anypb.Any {
	return &anypb.Any{
		TypeUrl: "type.googleapis.com/rpcctl.nowhere.Nothing",
		Value:   []byte{0x08, 0x2a, 0x12, 0x03, 'a', 'b', 'c'},
	}
}

// brokenAny has a known type, and bytes that end in the middle of a field.
func brokenAny() *anypb.Any {
	return &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: []byte{0x0a, 0x7f, 'x'}}
}
