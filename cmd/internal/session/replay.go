package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

const (
	// maxReplay bounds what is kept of a client's stream to send it again, in bytes: it fits
	// the smallest initial window (RFC 9113, section 6.9.2), so that sending it again never
	// waits for answers to be read. The one message of other calls is kept whatever its size.
	maxReplay = 48 << 10

	firstDelay = 100 * time.Millisecond // between one attempt and the next
	maxDelay   = 5 * time.Second        // of a retry; it doubles each time
	maxPoll    = time.Second            // of waiting for the server
)

// replay is a call that may be made several times, until the first sign of an
// answer: that one counts. What was sent until then is kept, and sent again.
//
// The receiving side alone opens streams; the sending side may run beside it.
type replay struct {
	c      *policyTransport
	ctx    context.Context
	method invoke.Method
	md     invoke.Metadata
	until  time.Time // when waiting for the server ends; zero: there is no waiting

	sending sync.Mutex // held while something is sent, and while it is sent again
	mu      sync.Mutex // guards what follows
	stream  invoke.Stream
	cancel  context.CancelFunc // of stream
	settled bool               // the stream is the one that counts
	closed  bool               // the sending side
	kept    [][]byte
	size    int

	// What follows belongs to the receiving side alone.
	decided    bool
	header     invoke.Metadata
	early      []byte // a message that came before the decision; valid with hasEarly
	hasEarly   bool
	attempts   int            // retries made
	polls      int            // attempts while waiting
	last       *invoke.Status // of the attempt before; nil at the first
	authorized bool
}

// Send sends a message, and keeps it while it may have to be sent again.
func (r *replay) Send(msg []byte) error {
	r.sending.Lock()
	defer r.sending.Unlock()
	stream, settled := r.keep(msg)
	err := stream.Send(msg)
	if !settled {
		return nil // the receiving side decides whether this is the end
	}
	return err
}

// keep keeps a message unless the stream is settled, and settles it when it would
// be too much.
func (r *replay) keep(msg []byte) (stream invoke.Stream, settled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.settled && r.method.ClientStreams && r.size+len(msg) > maxReplay {
		r.settled, r.kept = true, nil
	}
	if !r.settled {
		r.kept = append(r.kept, slices.Clone(msg))
		r.size += len(msg)
	}
	return r.stream, r.settled
}

// CloseSend half-closes.
func (r *replay) CloseSend() error {
	r.sending.Lock()
	defer r.sending.Unlock()
	r.mu.Lock()
	r.closed = true
	stream := r.stream
	r.mu.Unlock()
	return stream.CloseSend()
}

// Header blocks until the headers or the end of the attempt that counts.
func (r *replay) Header() invoke.Metadata {
	r.decide()
	return r.header
}

// Recv returns the next message.
func (r *replay) Recv() ([]byte, error) {
	r.decide()
	if r.hasEarly {
		r.hasEarly = false
		return r.early, nil
	}
	return r.stream.Recv()
}

// Finish tells how the attempt that counts ended.
func (r *replay) Finish() (*invoke.Status, invoke.Metadata) {
	r.decide()
	r.hasEarly = false
	st, md := r.stream.Finish()
	r.cancel()
	return st, md
}

// HTTP describes the response of the last attempt.
func (r *replay) HTTP() (status int, version string) {
	r.decide()
	if h, ok := r.stream.(interface{ HTTP() (int, string) }); ok {
		return h.HTTP()
	}
	return 0, ""
}

// decide waits for the first sign of an answer, making the call again as long as
// there is none and it may be.
func (r *replay) decide() {
	if r.decided {
		return
	}
	for {
		// Headers of a stream are a sign that it goes on. Those of other calls may belong to
		// an error, as in Connect.
		if r.header = r.stream.Header(); r.header != nil && r.method.ServerStreams {
			break
		}
		if msg, err := r.stream.Recv(); err == nil {
			r.early, r.hasEarly = msg, true
			break
		}
		st, trailers := r.stream.Finish()
		if r.isSettled() {
			break
		}
		if !r.again(st, trailers) {
			if now := r.interrupted(st); now != st {
				r.mu.Lock()
				r.stream = ended{now}
				r.mu.Unlock()
			}
			break
		}
		r.last = st
		if !r.reopen() {
			break
		}
	}
	r.decided = true
	if st := r.endedStatus(); st == nil || st.Origin != invoke.OriginTransport {
		r.c.reached()
	}
	r.mu.Lock()
	r.settled, r.kept = true, nil
	r.mu.Unlock()
}

// endedStatus returns the status of a call for which there never was a stream.
func (r *replay) endedStatus() *invoke.Status {
	if e, ok := r.stream.(ended); ok {
		return e.status
	}
	return nil
}

func (r *replay) isSettled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settled
}

// open opens a stream, at once or after some attempts. It returns the status of
// the last one.
func (r *replay) open() *invoke.Status {
	for {
		ctx, cancel := context.WithCancel(r.ctx)
		stop := func() bool { return true }
		if !r.until.IsZero() {
			stop = time.AfterFunc(time.Until(r.until), cancel).Stop
		}
		stream, err := r.c.Transport.Open(ctx, r.method, r.md)
		inTime := stop() || r.ctx.Err() != nil
		if err == nil && inTime {
			r.mu.Lock()
			r.stream, r.cancel = stream, cancel
			r.mu.Unlock()
			return nil
		}
		cancel()
		var st *invoke.Status
		switch {
		case err != nil:
			st = invoke.StatusOf(err)
		default:
			stream.Finish() // it opened as the wait ended, too late to be used
		}
		if !inTime && (st == nil || st.Code == codes.Canceled) {
			if st = r.last; st == nil {
				st = r.neverUp()
			}
		}
		if !r.again(st, nil) {
			return r.interrupted(st)
		}
		r.last = st
	}
}

// interrupted returns the status of a call that was given up while it waited to be made again.
// It is not the status that the server gave before.
func (r *replay) interrupted(st *invoke.Status) *invoke.Status {
	if !errors.Is(r.ctx.Err(), context.Canceled) || st.Code == codes.Canceled {
		return st
	}
	return &invoke.Status{
		Code: codes.Canceled, Message: "interrupted while it waited to be tried again; before: " + describe(st),
		Origin: invoke.OriginClient, Cause: context.Canceled,
	}
}

// neverUp is the status of a server that did not even refuse a connection while it
// was waited for.
func (r *replay) neverUp() *invoke.Status {
	e := &connect.Error{Kind: connect.TimedOut, Address: r.c.target.Address, Detail: "at all"}
	return &invoke.Status{Code: codes.Unavailable, Message: e.Error(), Origin: invoke.OriginTransport, Cause: e}
}

// reopen replaces the stream by a new one on which everything was sent again. It
// returns false when there is none; the stream then has the status.
func (r *replay) reopen() bool {
	r.sending.Lock()
	defer r.sending.Unlock()
	r.cancel()
	if st := r.open(); st != nil {
		r.mu.Lock()
		r.stream, r.cancel = ended{st}, func() {}
		r.mu.Unlock()
		return false
	}
	r.mu.Lock()
	kept, closed := r.kept, r.closed
	r.mu.Unlock()
	for _, msg := range kept {
		if r.stream.Send(msg) != nil {
			return true // the receiving side will see the reason
		}
	}
	if closed {
		_ = r.stream.CloseSend()
	}
	return true
}

// again reports whether the call is to be made again after it ended in a status without an
// answer. It waits before it returns.
func (r *replay) again(st *invoke.Status, trailers invoke.Metadata) bool {
	if notUp(st) {
		r.c.foundDown()
	}
	switch {
	case r.ctx.Err() != nil:
		return false
	case !r.until.IsZero() && notUp(st):
		return r.poll(st)
	case st.Code == codes.Unauthenticated && st.Origin == invoke.OriginServer && r.md.Get("authorization") != "" &&
		r.c.policy.Authorize != nil && !r.authorized:
		r.authorized = true
		err := r.reauthorize()
		if errors.As(err, new(*CredentialError)) && r.ctx.Err() == nil {
			r.c.say("%v", err) // the status only says that the credential before was refused
		}
		return err == nil
	case st.Code == codes.Unavailable && r.attempts < r.c.policy.Retry && !permanent(st):
		return r.retry(st, trailers)
	}
	return false
}

// poll waits for a server that is not up yet, as long as there is time.
func (r *replay) poll(st *invoke.Status) bool {
	delay := min(firstDelay<<min(r.polls, 10), maxPoll)
	r.polls++
	left := time.Until(r.until)
	if left <= 0 {
		stillDown(st, r.c.policy.Wait)
		return false
	}
	r.c.sayWaiting(describe(st))
	return r.sleep(min(delay, left))
}

// retry waits before a further attempt: as long as the server asks for, or longer each time. It reports
// whether there is time for one.
func (r *replay) retry(st *invoke.Status, trailers invoke.Metadata) bool {
	delay, ok := pushback(trailers)
	if !ok {
		delay = max(r.c.jittered(min(firstDelay<<min(r.attempts, 10), maxDelay)), retryInfo(st))
	}
	if delay < 0 {
		return false
	}
	r.attempts++
	if deadline, ok := r.ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return false
	}
	r.c.say("UNAVAILABLE (14): %s; trying again in %s (%d of %d)", describe(st), delay.Round(time.Millisecond),
		r.attempts, r.c.policy.Retry)
	return r.sleep(delay)
}

// reauthorize puts a new value of authorization into the metadata; when there is none,
// the error is not nil.
func (r *replay) reauthorize() error {
	v, err := r.c.authorized(r.ctx, r.md.Get("authorization"))
	if err != nil {
		return err
	}
	if v == "" {
		return errors.New("no other credential")
	}
	r.md = withAuthorization(r.md, v)
	return nil
}

func (r *replay) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.ctx.Done():
		return false
	}
}

// pushback reads how long the server wants a client to wait before it tries again;
// negative: not at all (https://github.com/grpc/proposal/blob/master/A6-client-retries.md).
func pushback(trailers invoke.Metadata) (time.Duration, bool) {
	text := trailers.Get("grpc-retry-pushback-ms")
	if text == "" {
		return 0, false
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || ms < 0 {
		return -1, true
	}
	return min(time.Duration(ms)*time.Millisecond, time.Minute), true
}

// maxRetryInfo bounds how long a server may make a retry wait.
const maxRetryInfo = time.Minute

// retryInfo is how long the details of a status want a client to wait; 0: they do
// not say.
func retryInfo(st *invoke.Status) time.Duration {
	for _, d := range st.Details {
		var info errdetails.RetryInfo
		if d.MessageIs(&info) && d.UnmarshalTo(&info) == nil {
			return min(max(info.GetRetryDelay().AsDuration(), 0), maxRetryInfo)
		}
	}
	return 0
}

// notUp reports whether a status says that the server is not there yet.
func notUp(st *invoke.Status) bool {
	return st.Code == codes.Unavailable && st.Origin == invoke.OriginTransport && !permanent(st)
}

// permanent reports whether a connection failed for a reason that waiting does not remove.
func permanent(st *invoke.Status) bool {
	var ce *connect.Error
	if !errors.As(st.Cause, &ce) {
		return false
	}
	switch ce.Kind {
	case connect.Refused, connect.UnknownHost, connect.Unreachable, connect.TimedOut, connect.Closed, connect.NoSocket,
		connect.NotGRPC, connect.Other:
		return false
	}
	return true
}

// stillDown adds to a status how long the server was waited for.
func stillDown(st *invoke.Status, d time.Duration) {
	var ce *connect.Error
	if !errors.As(st.Cause, &ce) {
		return
	}
	waited := *ce
	waited.Detail = fmt.Sprintf("waited %s for it", d)
	if ce.Detail != "" {
		waited.Detail = ce.Detail + "; " + waited.Detail
	}
	st.Cause, st.Message = &waited, waited.Error()
}

// ended is a stream that was never opened.
type ended struct{ status *invoke.Status }

func (ended) Send([]byte) error       { return io.EOF }
func (ended) CloseSend() error        { return nil }
func (ended) Header() invoke.Metadata { return nil }
func (ended) Recv() ([]byte, error)   { return nil, io.EOF }
func (e ended) Finish() (*invoke.Status, invoke.Metadata) {
	return e.status, nil
}
