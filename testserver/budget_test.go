package testserver

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// Large replies wait for one another, in their order, until earlier ones are written: by the
// connection or, when there is none to watch, by the end of the call.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		b := &budget{total: 15 * mb}
		in := &room{total: 1 << 30}
		connect := func() *connection {
			end, other := net.Pipe()
			t.Cleanup(func() { other.Close() })
			return &connection{Conn: end, connections: newConnections(newRecorder(nil), in)}
		}
		conn := connect()
		onConn := peer.NewContext(t.Context(), &peer.Peer{Addr: clientAddr{conn: conn}})
		call, end := context.WithCancel(t.Context())
		waits := func(ctx context.Context, reply int64) chan error {
			done := make(chan error, 1)
			go func() { done <- b.take(ctx, reply) }()
			synctest.Wait()
			return done
		}
		goesOn := func(done chan error, want codes.Code) {
			t.Helper()
			synctest.Wait()
			select {
			case err := <-done:
				if status.Code(err) != want {
					t.Errorf("%v, want %v", err, want)
				}
			default:
				t.Error("it waits")
			}
		}
		goesOn(waits(onConn, 2*mb), codes.OK)
		goesOn(waits(call, 1*mb), codes.OK)       // whose reply is made in a growing buffer
		goesOn(waits(call, smallReply), codes.OK) // is not counted
		third := waits(onConn, 3*mb)
		gone, leave := context.WithCancel(t.Context())
		fourth := waits(gone, 1000*mb) // more than there is
		conn.pay(1 * mb)
		if len(third) > 0 {
			t.Error("half of what is owed was enough")
		}
		end()
		goesOn(third, codes.OK)
		leave()
		goesOn(fourth, codes.Canceled)
		conn.pay(4 * mb)
		if b.taken != 0 || len(b.waiting) != 0 {
			t.Errorf("%d bytes are taken, %d calls wait", b.taken, len(b.waiting))
		}

		// A client that does not read keeps its room while nobody else waits, and otherwise
		// not for ever. Since it may have cancelled its calls, it keeps its connection the
		// first time.
		goesOn(waits(onConn, 100*mb), codes.OK)
		time.Sleep(9*stalled + time.Second) // of the test's own clock
		if b.taken != b.total {
			t.Errorf("%d bytes are taken by what was never written", b.taken)
		}
		for i, open := range []bool{true, false} {
			next := waits(peer.NewContext(t.Context(), &peer.Peer{Addr: clientAddr{conn: conn}}), 100*mb)
			if len(next) > 0 {
				t.Error("it does not wait")
			}
			time.Sleep(stalled + time.Second)
			goesOn(next, codes.OK)
			if conn.debts.closed == open {
				t.Errorf("after %d: closed is %v", i, !open)
			}
		}

		// A client that leaves keeps nothing.
		if goesOn(waits(onConn, 100*mb), codes.OK); b.taken != 0 || b.forgiven != 0 || in.taken.Load() != -connectionWeight {
			t.Errorf("%d bytes are taken, %d forgiven, by a connection that is closed; of connections %d", b.taken, b.forgiven, in.taken.Load())
		}

		// A reply that is being made holds its room until it is made, even when its client
		// leaves.
		for _, on := range []*connection{nil, connect()} {
			gone, leave := context.WithCancel(t.Context())
			calls := &intake{room: in}
			ctx := context.WithValue(gone, intakeKey{}, calls)
			if on != nil {
				ctx = peer.NewContext(ctx, &peer.Peer{Addr: clientAddr{conn: on}})
			}
			goesOn(waits(ctx, 100*mb), codes.OK)
			next := waits(onConn, 100*mb)
			leave()
			if on != nil {
				on.Close()
			}
			if synctest.Wait(); len(next) > 0 || b.taken != b.total {
				t.Errorf("%d bytes are taken while a reply is made", b.taken)
			}
			calls.end()
			if goesOn(next, codes.OK); b.taken != 0 {
				t.Errorf("%d bytes are taken", b.taken)
			}
		}
	})
}
