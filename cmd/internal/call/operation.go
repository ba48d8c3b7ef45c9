package call

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/internal/longrunning"
	"github.com/rpcctl/rpcctl/invoke"
)

// The names of long-running operations (https://google.aip.dev/151).
const (
	operationService protoreflect.FullName = "google.longrunning.Operations"
	operationType    protoreflect.FullName = "google.longrunning.Operation"
)

// readOperation reads an operation from its encoded bytes.
func readOperation(wire []byte) (*longrunning.Operation, error) {
	op := &longrunning.Operation{}
	if err := invoke.Unmarshal(proto.UnmarshalOptions{}, wire, op); err != nil {
		return nil, fmt.Errorf("reading an operation: %w", err)
	}
	if !op.GetDone() && op.GetName() == "" {
		return nil, errors.New("the operation is not done and has no name to ask for it by")
	}
	return op, nil
}

// failure returns the status of an operation that failed, nil for one that did not.
func failure(op *longrunning.Operation) *invoke.Status {
	s := op.GetError()
	if s == nil {
		return nil
	}
	return &invoke.Status{
		Code: codes.Code(s.GetCode()), Message: s.GetMessage(),
		Details: s.GetDetails(), Origin: invoke.OriginServer,
	}
}

// unpack returns the message in an Any, or the Any itself when its type is not known.
func unpack(any *anypb.Any, types invoke.Types) (*invoke.Message, error) {
	if types != nil && any.GetTypeUrl() != "" {
		if mt, err := types.FindMessageByURL(any.GetTypeUrl()); err == nil {
			return &invoke.Message{Desc: mt.Descriptor(), Wire: any.GetValue(), Types: types}, nil
		}
	}
	wire, err := proto.Marshal(any)
	if err != nil {
		return nil, fmt.Errorf("the result of an operation: %w", err)
	}
	return &invoke.Message{Desc: any.ProtoReflect().Descriptor(), Wire: wire, Types: types}, nil
}

// ask returns the call of a method of the operations service about this operation. The method
// is the one that is linked in, since a server that returns operations need not list the
// service in its reflection.
func (w *awaited) ask(method protoreflect.Name, request proto.Message) (*invoke.Call, error) {
	wire, err := proto.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("asking for an operation: %w", err)
	}
	service := longrunning.File_google_longrunning_operations_proto.Services().ByName(operationService.Name())
	return &invoke.Call{
		Method: service.Methods().ByName(method), Metadata: w.call.Metadata, Types: w.call.Types,
		Requests: invoke.Messages(wire),
	}, nil
}

// look asks how far the operation is: at once or, with waits set, when it is done or after a
// while.
func (w *awaited) look(ctx context.Context, waits bool) (*longrunning.Operation, error) {
	method := protoreflect.Name("GetOperation")
	var request proto.Message = &longrunning.GetOperationRequest{Name: w.last.GetName()}
	if waits {
		method = "WaitOperation"
		request = &longrunning.WaitOperationRequest{Name: w.last.GetName(), Timeout: durationpb.New(waitAtMost)}
	}
	c, err := w.ask(method, request)
	if err != nil {
		return nil, err
	}
	message, err := w.invoker.One(ctx, c)
	if err != nil {
		return nil, err
	}
	return readOperation(message.Wire)
}

// cancel asks the server to stop the operation, although ctx is done.
func (w *awaited) cancel(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
	defer cancel()
	c, err := w.ask("CancelOperation", &longrunning.CancelOperationRequest{Name: w.last.GetName()})
	if err == nil {
		_, err = w.invoker.One(ctx, c)
	}
	return err
}
