package testserver

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// domain is what ErrorInfo details name as their origin. RFC 2606 keeps it free.
const domain = "rpcctl.example"

// failure makes a status with details. Details that cannot be attached are left
// out: the status itself matters more.
func failure(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s := status.New(code, message)
	if detailed, err := s.WithDetails(details...); err == nil {
		s = detailed
	}
	return s.Err()
}

// faults gathers what is wrong with a request, so that the client gets all of it at once.
type faults []*errdetails.BadRequest_FieldViolation

func (f *faults) add(field, format string, args ...any) {
	*f = append(*f, &errdetails.BadRequest_FieldViolation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// within notes a fault unless least <= value <= most.
func (f *faults) within(field string, value, least, most int64) {
	if value < least || value > most {
		f.add(field, "must be %d to %d, not %d", least, most, value)
	}
}

// err returns INVALID_ARGUMENT with the faults, or nil when there are none.
func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	message := f[0].Field + " " + f[0].Description
	if len(f) > 1 {
		message = fmt.Sprintf("%s, and %d more", message, len(f)-1)
	}
	return failure(codes.InvalidArgument, message, &errdetails.BadRequest{FieldViolations: f})
}
