package testserver

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rpcctl/rpcctl/internal/longrunning"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

const (
	maxOperations = 100      // the oldest makes room for a new one
	maxBatter     = 16 << 20 // bytes of their cakes; the newest may have more
	maxSteps      = 1000
	usualWait     = 10 * time.Second
)

// bakery bakes by the clock: nothing runs in the background, so there is nothing to stop with
// the server.
type bakery struct {
	demov1.UnimplementedBakeryServer
	longrunning.UnimplementedOperationsServer

	mu         sync.Mutex
	count      int
	batter     int      // bytes of the cakes
	names      []string // by age
	operations map[string]*baking
}

// A baking is one operation. Only its cancellation changes it.
type baking struct {
	name      string
	cake      string
	failCode  codes.Code
	pace      pace
	began     time.Time
	cancelled time.Time     // zero: it was not
	stopped   chan struct{} // closed when it is cancelled
}

func newBakery() *bakery { return &bakery{operations: map[string]*baking{}} }

// Bake begins an operation.
func (b *bakery) Bake(_ context.Context, r *demov1.BakeRequest) (*longrunning.Operation, error) {
	steps, delay := int32(3), int32(100)
	if r.Steps != nil {
		steps = r.GetSteps()
	}
	if r.StepMs != nil {
		delay = r.GetStepMs()
	}
	var f faults
	f.within("steps", int64(steps), 0, maxSteps)
	f.within("step_ms", int64(delay), 0, maxDelayMS)
	f.within("fail_code", int64(r.GetFailCode()), 0, int64(codes.Unauthenticated))
	if err := f.err(); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	o := &baking{
		name: fmt.Sprintf("operations/bake-%d",
			b.count), cake: strings.Clone(r.GetCake()), failCode: codes.Code(r.GetFailCode()), began: time.Now(),
		stopped: make(chan struct{}),
		pace:    pace{count: int(steps), delay: time.Duration(delay) * time.Millisecond},
	}
	b.batter += len(o.cake)
	for len(b.names) == maxOperations || len(b.names) > 0 && b.batter > maxBatter {
		b.batter -= len(b.operations[b.names[0]].cake)
		delete(b.operations, b.names[0])
		b.names = b.names[1:]
	}
	b.names = append(b.names, o.name)
	b.operations[o.name] = o
	return o.tell(o.began)
}

// find returns an operation.
func (b *bakery) find(name string) (*baking, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := b.operations[name]
	if o == nil {
		return nil, failure(codes.NotFound, fmt.Sprintf("no operation %q", name),
			&errdetails.ResourceInfo{ResourceType: "operation", ResourceName: name})
	}
	copied := *o
	return &copied, nil
}

// GetOperation returns how far an operation is.
func (b *bakery) GetOperation(_ context.Context, r *longrunning.GetOperationRequest) (*longrunning.Operation, error) {
	o, err := b.find(r.GetName())
	if err != nil {
		return nil, err
	}
	return o.tell(time.Now())
}

// CancelOperation stops an operation that is not over.
func (b *bakery) CancelOperation(_ context.Context, r *longrunning.CancelOperationRequest) (*emptypb.Empty, error) {
	if _, err := b.find(r.GetName()); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if o := b.operations[r.GetName()]; o != nil && o.cancelled.IsZero() && time.Now().Before(o.over()) {
		o.cancelled = time.Now()
		close(o.stopped)
	}
	return &emptypb.Empty{}, nil
}

// WaitOperation waits for an operation to be over.
func (b *bakery) WaitOperation(
	ctx context.Context, r *longrunning.WaitOperationRequest,
) (*longrunning.Operation, error) {
	o, err := b.find(r.GetName())
	if err != nil {
		return nil, err
	}
	wait := usualWait
	if r.GetTimeout() != nil {
		wait = max(0, r.GetTimeout().AsDuration())
	}
	ctx, cancel := context.WithTimeout(ctx, min(wait, time.Until(o.over())))
	defer cancel()
	select {
	case <-o.stopped:
	case <-ctx.Done():
	}
	return b.GetOperation(ctx, &longrunning.GetOperationRequest{Name: r.GetName()})
}

// over returns when an operation is done if nobody cancels it.
func (o *baking) over() time.Time {
	return o.began.Add(time.Duration(o.pace.count) * o.pace.delay)
}

// tell returns the state of an operation at a time.
func (o *baking) tell(now time.Time) (*longrunning.Operation, error) {
	if !o.cancelled.IsZero() {
		now = o.cancelled
	}
	step := o.pace.count
	if o.pace.delay > 0 {
		step = min(step, int(now.Sub(o.began)/o.pace.delay))
	}
	metadata, err := anypb.New(&demov1.BakeProgress{Step: int32(step), Of: int32(o.pace.count)})
	if err != nil {
		return nil, err
	}
	op := &longrunning.Operation{Name: o.name, Metadata: metadata}
	switch {
	case !o.cancelled.IsZero():
		op.Done, op.Result = true, failed(codes.Canceled, "the baking was cancelled")
	case step < o.pace.count:
	case o.failCode != codes.OK:
		op.Done, op.Result = true, failed(o.failCode, "the cake is burnt")
	default:
		name := o.cake
		if name == "" {
			name = "plain cake"
		}
		cake, err := anypb.New(&demov1.Cake{Name: name, Slices: 12})
		if err != nil {
			return nil, err
		}
		op.Done, op.Result = true, &longrunning.Operation_Response{Response: cake}
	}
	return op, nil
}

func failed(code codes.Code, message string) *longrunning.Operation_Error {
	return &longrunning.Operation_Error{Error: &statuspb.Status{Code: int32(code), Message: message}}
}
