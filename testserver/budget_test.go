package testserver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// Great replies wait for one another, in their order, until the ones before are written:
// by the connection, or by the call where there is none to look at.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mb = 1 << 20
		b := &budget{total: 10 * mb}
		conn := &connection{}
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
		goesOn(waits(call, 3*mb), codes.OK)
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

		// A client that takes nothing does not keep it for ever, nor does one that leaves.
		goesOn(waits(onConn, 100*mb), codes.OK)
		patient := waits(onConn, 100*mb)
		time.Sleep(2 * stalled) // of the test's own clock
		goesOn(patient, codes.OK)
		conn.debts.close()
		goesOn(waits(onConn, 100*mb), codes.OK)
		if b.taken != 0 {
			t.Errorf("%d bytes are taken by a connection that is closed", b.taken)
		}
	})
}
