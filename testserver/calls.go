package testserver

import (
	"context"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

const (
	// callBudget is how much the calls that run and the open connections may take together, in
	// bytes, including what their answers take while they are made. Requests, and finished
	// replies, have budgets of their own.
	callBudget = 128 << 20
	// maxHeader is the size of the largest header of a request, in bytes.
	maxHeader = 128 << 10
	// About how much each takes, in bytes: a call without metadata, a byte of metadata, and a
	// connection, which may hold an incomplete header.
	callWeight       = 24 << 10
	metadataWeight   = 4
	connectionWeight = maxHeader + 64<<10
	// maxStreams is how many calls one connection may have at a time over gRPC: a client that
	// wants more waits, and is not refused because of what others have.
	maxStreams = callBudget / callWeight / 2
)

// busyText is the message for a call that has no room.
var busyText = fmt.Sprintf(
	"the demo takes about %d calls at a time, fewer with great ones; try again with fewer at once",
	callBudget/callWeight)

// give gives room back.
func (r *room) give(n int64) { r.taken.Add(-n) }

// weighHeader returns about how much a call with this metadata takes.
func weighHeader(header map[string][]string) int64 {
	n := 0
	for name, values := range header {
		for _, v := range values {
			n += len(name) + len(v) + 32
		}
	}
	return callWeight + metadataWeight*int64(n)
}

// tap counts a call over gRPC until it ends, or refuses it.
func (r *room) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	n := weighHeader(info.Header)
	if !r.claim(n) {
		return ctx, status.Error(codes.ResourceExhausted, busyText)
	}
	context.AfterFunc(ctx, func() { r.give(n) })
	return ctx, nil
}

// requests counts the requests over the protocols of the web until they are answered.
func (r *room) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		n := weighHeader(q.Header)
		if !r.claim(n) {
			http.Error(w, busyText, http.StatusServiceUnavailable)
			return
		}
		defer r.give(n)
		next.ServeHTTP(w, q)
	})
}

// charge counts what the answer to a call takes while it is made, or refuses the call.
func (r *room) charge(ctx context.Context, n int64) error {
	if n <= smallReply {
		return nil
	}
	if !r.claim(n) {
		return status.Error(codes.ResourceExhausted, busyText)
	}
	if i, ok := ctx.Value(intakeKey{}).(*intake); ok {
		i.atEnd(func() { r.give(n) })
	} else {
		context.AfterFunc(ctx, func() { r.give(n) })
	}
	return nil
}
