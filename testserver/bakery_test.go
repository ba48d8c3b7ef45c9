package testserver

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/internal/longrunning"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func TestBakery(t *testing.T) {
	_, conn := start(t, Options{})
	bakery, operations := demov1.NewBakeryClient(conn), longrunning.NewOperationsClient(conn)
	bake := func(t *testing.T, r *demov1.BakeRequest) *longrunning.Operation {
		t.Helper()
		return ok[*longrunning.Operation](t)(bakery.Bake(within(t), r))
	}
	wait := func(t *testing.T, name string, d time.Duration) *longrunning.Operation {
		t.Helper()
		return ok[*longrunning.Operation](t)(operations.WaitOperation(within(t), &longrunning.WaitOperationRequest{Name: name, Timeout: durationpb.New(d)}))
	}
	t.Run("a cake", func(t *testing.T) {
		op := bake(t, &demov1.BakeRequest{Cake: "nut", Steps: proto.Int32(2), StepMs: proto.Int32(10)})
		same(t, op.GetDone(), false)
		op = wait(t, op.GetName(), time.Minute)
		cake := &demov1.Cake{}
		same(t, op.GetResponse().UnmarshalTo(cake), nil)
		same(t, cake, &demov1.Cake{Name: "nut", Slices: 12})
		progress := &demov1.BakeProgress{}
		same(t, op.GetMetadata().UnmarshalTo(progress), nil)
		same(t, progress, &demov1.BakeProgress{Step: 2, Of: 2})
	})
	t.Run("nothing to do", func(t *testing.T) {
		same(t, bake(t, &demov1.BakeRequest{Steps: proto.Int32(0)}).GetDone(), true)
	})
	t.Run("a failure", func(t *testing.T) {
		op := bake(t, &demov1.BakeRequest{StepMs: proto.Int32(0), FailCode: int32(codes.Aborted)})
		same(t, codes.Code(op.GetError().GetCode()), codes.Aborted)
	})
	t.Run("waiting is bounded, and cancelling ends it", func(t *testing.T) {
		op := bake(t, &demov1.BakeRequest{StepMs: proto.Int32(60_000)})
		same(t, wait(t, op.GetName(), time.Millisecond).GetDone(), false)
		if _, err := operations.CancelOperation(within(t), &longrunning.CancelOperationRequest{Name: op.GetName()}); err != nil {
			t.Fatal(err)
		}
		op = wait(t, op.GetName(), time.Minute)
		same(t, codes.Code(op.GetError().GetCode()), codes.Canceled)
	})
	t.Run("bad requests", func(t *testing.T) {
		_, err := bakery.Bake(within(t), &demov1.BakeRequest{Steps: proto.Int32(-1)})
		same(t, grpcCode(err), codes.InvalidArgument)
		_, err = operations.GetOperation(within(t), &longrunning.GetOperationRequest{Name: "none"})
		same(t, grpcCode(err), codes.NotFound)
	})
	t.Run("great cakes make room", func(t *testing.T) {
		r := &demov1.BakeRequest{Cake: strings.Repeat("x", 3<<20), StepMs: proto.Int32(60_000)}
		first := bake(t, r)
		for range maxBatter / len(r.Cake) {
			bake(t, r)
		}
		_, err := operations.GetOperation(within(t), &longrunning.GetOperationRequest{Name: first.GetName()})
		same(t, grpcCode(err), codes.NotFound)
	})
	t.Run("the oldest makes room", func(t *testing.T) {
		first := bake(t, &demov1.BakeRequest{})
		for range maxOperations {
			bake(t, &demov1.BakeRequest{})
		}
		_, err := operations.GetOperation(within(t), &longrunning.GetOperationRequest{Name: first.GetName()})
		same(t, grpcCode(err), codes.NotFound)
	})
}
