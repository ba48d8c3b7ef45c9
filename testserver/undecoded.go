package testserver

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// An undecoded message is a request over gRPC before it is weighed: grpc-go does not show its
// bytes, but a message without fields keeps all of them as unknown ones.
type undecoded struct {
	emptypb.Empty
	json []byte // the request in JSON; see jsonCodec
}

// into decodes the message into v, if there is room for that.
func (u *undecoded) into(v any, i *intake) error {
	m, ok := v.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "%T is no protobuf message", v)
	}
	wire := u.ProtoReflect().GetUnknown()
	weight := weighWire
	if u.json != nil {
		wire, weight = u.json, weighJSON
	}
	if !i.weighs(weight(m, wire)) {
		return status.Error(codes.ResourceExhausted, fullText)
	}
	err := error(nil)
	if u.json != nil {
		err = readJSON(wire, m)
	} else {
		err = proto.Unmarshal(wire, m)
	}
	if err != nil {
		return status.Errorf(codes.Internal, "grpc: error unmarshalling request: %v", err)
	}
	return nil
}

// readJSON makes a message of JSON.
func readJSON(b []byte, m proto.Message) error {
	if err := checkAny(b); err != nil {
		return err
	}
	defer takeTurn()()
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}

// weighed is a service whose requests over gRPC are weighed before they are decoded.
func (r *room) weighed(desc *grpc.ServiceDesc) *grpc.ServiceDesc {
	all := *desc
	all.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for n, m := range desc.Methods {
		all.Methods[n] = grpc.MethodDesc{MethodName: m.MethodName, Handler: func(server any, ctx context.Context,
			decode func(any) error, next grpc.UnaryServerInterceptor,
		) (any, error) {
			return m.Handler(server, ctx, func(v any) error {
				u := new(undecoded)
				if err := decode(u); err != nil {
					return err
				}
				return u.into(v, r.of(ctx))
			}, next)
		}}
	}
	return &all
}

// weighStream does the same for the messages of a stream.
func (r *room) weighStream(
	server any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	return handler(server, &weighedStream{stream, r.of(stream.Context())})
}

type weighedStream struct {
	grpc.ServerStream
	intake *intake
}

func (s *weighedStream) RecvMsg(v any) error {
	u := new(undecoded)
	if err := s.ServerStream.RecvMsg(u); err != nil {
		return err
	}
	return u.into(v, s.intake)
}
