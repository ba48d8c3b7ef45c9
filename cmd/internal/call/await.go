package call

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/progress"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/longrunning"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// awaitOptions are the flags that follow a long-running operation.
type awaitOptions struct{ await, cancel bool }

func (o *awaitOptions) add(f *pflag.FlagSet) {
	f.BoolVar(&o.await, "await", false,
		"follow the google.longrunning.Operation that the method returns until it is done, and print its result")
	f.BoolVar(&o.cancel, "cancel-on-interrupt", false, "with --await: Ctrl-C cancels the operation too")
}

// IsSet reports whether an operation is to be followed.
func (o *awaitOptions) IsSet() bool { return o.await || o.cancel }

// check refuses methods that return no operation.
func (o *awaitOptions) check(m protoreflect.MethodDescriptor) error {
	switch {
	case !o.await:
		return problem.Usage(errors.New("--cancel-on-interrupt is for --await"), "")
	case m.Output().FullName() != operationType || m.IsStreamingServer() || m.IsStreamingClient():
		return problem.Usage(fmt.Errorf("--await is for methods that return %s; %s returns %s", operationType,
			invoke.MethodName(m), m.Output().FullName()), "")
	}
	return nil
}

const (
	// waitAtMost is how long one WaitOperation is asked to take.
	waitAtMost = 30 * time.Second
	// The time between two looks at an operation.
	firstLook, lastLook = 100 * time.Millisecond, 10 * time.Second
	// cancelTime is how long cancelling an operation may take after an interrupt; what is
	// left of the grace is for telling about it.
	cancelTime = env.Grace * 2 / 3
	// maxBlind is how many looks in a row may find the server unavailable.
	maxBlind = 5
)

// An awaitedError is an operation that was left before its result was there.
type awaitedError struct {
	Err       error
	name      string
	cancelled bool  // the operation was asked to stop
	cancelErr error // why that did not work
}

func (e *awaitedError) Error() string { return e.Err.Error() }

// Unwrap returns why it was left.
func (e *awaitedError) Unwrap() error { return e.Err }

// NextStep says what the operation does now, and how to follow it again.
func (e *awaitedError) NextStep() string {
	name := formatters.CleanLine(e.name)
	again := fmt.Sprintf("rpcctl call %s/GetOperation 'name=%s' --await", operationService,
		strings.ReplaceAll(name, "'", `'\''`))
	switch {
	case e.cancelErr != nil:
		return fmt.Sprintf("%s could not be cancelled (%s); it is followed again with %s", name,
			formatters.CleanLine(e.cancelErr.Error()), again)
	case e.cancelled:
		return fmt.Sprintf("%s was asked to stop; how it ended is told by %s", name, again)
	default:
		return fmt.Sprintf("%s goes on; it is followed again with %s", name, again)
	}
}

// An awaited follows one operation.
type awaited struct {
	app     *app.App
	call    *invoke.Call
	invoker *invoke.Invoker

	mu   sync.Mutex
	last *longrunning.Operation // as the server last described it
	said string                 // the progress that was printed last
}

// awaitOperation makes the call, follows the operation that it returns, and hands its
// result to sink as if the call had returned it.
func awaitOperation(
	ctx context.Context, a *app.App, p *invoke.Call, invoker *invoke.Invoker, sink invoke.Sink, o *awaitOptions,
) error {
	w := &awaited{app: a, call: p, invoker: invoker}
	if p.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.Timeout)
		defer cancel()
	}
	first := &heldEnd{sink: sink}
	if err := invoker.Do(ctx, p, first); err != nil {
		return err
	}
	var err error
	if w.last, err = readOperation(first.answer); err != nil {
		return err
	}
	show := progress.Start(a.Env, "auto", w.progress, nil)
	err = w.follow(ctx)
	show.Stop()
	if err != nil {
		e := &awaitedError{Err: err, name: w.last.GetName()}
		if ctx.Err() != nil {
			s := invoke.EndedHere(ctx.Err())
			if s.Code == codes.Canceled {
				s.Message = "interrupted"
				if o.cancel {
					e.cancelErr, e.cancelled = w.cancel(ctx), true
				}
			}
			e.Err = s.Err()
		}
		return e
	}
	return w.deliver(first, sink)
}

// progress is what is shown of an operation that goes on.
func (w *awaited) progress(elapsed time.Duration) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%s %s %s", formatters.CleanLine(w.last.GetName()), w.metadata(), elapsed.Round(time.Second))
}

// metadata is how far the operation is, as JSON on a line.
func (w *awaited) metadata() string {
	if w.last.GetMetadata() == nil {
		return ""
	}
	m, err := unpack(w.last.GetMetadata(), w.call.Types)
	if err != nil {
		return ""
	}
	j, err := transcode.NewEncoder(m.Desc, transcode.EncodeOptions{Types: m.Types}).Append(nil, m.Wire)
	if err != nil {
		return ""
	}
	return formatters.CleanLine(string(j))
}

// follow looks at the operation until it is done.
func (w *awaited) follow(ctx context.Context) error {
	waits, blind := true, 0
	for pause := firstLook; !w.last.GetDone(); {
		w.tell()
		began := time.Now()
		op, err := w.look(ctx, waits)
		var se *invoke.StatusError
		switch {
		case err == nil:
			blind = 0
			w.seen(op)
		case ctx.Err() != nil:
			return ctx.Err()
		case waits && errors.As(err, &se) && se.Status.Code == codes.Unimplemented:
			waits = false
			continue
		case errors.As(err, &se) && se.Status.Code == codes.Unavailable && blind < maxBlind:
			blind++
		default:
			return err
		}
		if w.last.GetDone() || waits && err == nil && time.Since(began) > firstLook {
			continue // a server that waits sets the pace
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(pause*3/2, lastLook)
	}
	w.tell()
	return nil
}

// seen keeps what was found out about the operation.
func (w *awaited) seen(op *longrunning.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if op.GetName() == "" {
		op.Name = w.last.GetName()
	}
	w.last = op
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell tells with -v how far the operation is, when that has changed.
func (w *awaited) tell() {
	if w.app.Globals.Verbose == 0 {
		return
	}
	if now := w.metadata(); now != w.said {
		w.said = now
		w.app.Env.Say(fmt.Sprintf("%s: %s", w.last.GetName(), now))
	}
}

// deliver hands on the result as the end of the call.
func (w *awaited) deliver(first *heldEnd, sink invoke.Sink) error {
	now := w.app.Env.Now()
	end := &invoke.Event{
		Kind: invoke.Finished, At: now, Call: w.call,
		Status: &invoke.Status{Origin: invoke.OriginServer}, Metadata: first.trailers,
	}
	if failed := failure(w.last); failed != nil {
		end.Status = failed
	} else {
		m, err := unpack(w.last.GetResponse(), w.call.Types)
		if err != nil {
			return err
		}
		answered := *w.call
		answered.Method = nil // the message is not of the type that the method has
		if err := sink.Event(&invoke.Event{
			Kind: invoke.ResponseReceived, At: now, Call: &answered,
			Message: m,
		}); err != nil {
			return err
		}
	}
	if err := sink.Event(end); err != nil {
		return err
	}
	return end.Status.Err()
}

// A heldEnd is a sink that keeps the answer and the end of a call that went well.
type heldEnd struct {
	sink     invoke.Sink
	answer   []byte
	trailers invoke.Metadata
}

// Event passes every event on, except the response and the end of a call that succeeded.
func (h *heldEnd) Event(e *invoke.Event) error {
	switch {
	case e.Kind == invoke.ResponseReceived:
		h.answer = e.Message.Clone().Wire
		return nil
	case e.Kind == invoke.Finished && e.Status.Code == codes.OK:
		h.trailers = e.Metadata
		return nil
	}
	return h.sink.Event(e)
}
