package testserver

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func (*lab) Surprise(_ context.Context, r *demov1.SurpriseRequest) (*demov1.SurpriseReply, error) {
	var (
		gift *anypb.Any
		hint string
		err  error
	)
	switch r.GetContent() {
	case demov1.SurpriseRequest_CONTENT_PARCEL:
		hint = "no method mentions rpcctl.demo.v1.Parcel, but the server can describe it"
		gift, err = parcel()
	case demov1.SurpriseRequest_CONTENT_WELL_KNOWN:
		hint = "a duration"
		gift, err = anypb.New(durationpb.New(90 * time.Second))
	case demov1.SurpriseRequest_CONTENT_NESTED:
		hint = "a text, wrapped three times"
		gift, err = wrap(wrapperspb.String("tea"), 3)
	case demov1.SurpriseRequest_CONTENT_UNKNOWN:
		hint = "nobody knows this type"
		gift = unknownAny()
	case demov1.SurpriseRequest_CONTENT_BROKEN:
		hint = "these bytes are not what the type says"
		gift = brokenAny()
	case demov1.SurpriseRequest_CONTENT_NOTHING:
		hint = "an Any with nothing in it"
		gift = &anypb.Any{}
	default:
		var f faults
		f.add("content", "must be one of the enum, not %d", r.GetContent())
		err = f.err()
	}
	if err != nil {
		return nil, err
	}
	return &demov1.SurpriseReply{Gift: gift, Hint: hint}, nil
}

func parcel() (*anypb.Any, error) {
	content, err := anypb.New(wrapperspb.String("a teapot"))
	if err != nil {
		return nil, fmt.Errorf("packing the parcel: %w", err)
	}
	return anypb.New(&demov1.Parcel{
		Label:   "this side up",
		Content: content,
		Keeps:   durationpb.New(48 * time.Hour),
		Stamps:  []*demov1.Parcel_Stamp{{Place: "Lisbon"}, {Place: "Paris"}},
	})
}

// wrap puts m inside an Any, that inside another, and so on.
func wrap(m proto.Message, times int) (*anypb.Any, error) {
	gift, err := anypb.New(m)
	for i := 1; i < times && err == nil; i++ {
		gift, err = anypb.New(gift)
	}
	return gift, err
}
