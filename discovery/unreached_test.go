package discovery_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
)

// When an address never answers, a lookup returns the error of connecting, even when it has no
// more time than connecting. It waits once, however many questions it has.
func TestUnreachedServer(t *testing.T) {
	const limit = 200 * time.Millisecond
	for name, lookup := range map[string]func(context.Context, discovery.Source) error{
		"list":      func(ctx context.Context, s discovery.Source) error { _, err := s.Services(ctx); return err },
		"full name": func(ctx context.Context, s discovery.Source) error { _, err := s.Find(ctx, "a.B"); return err },
		"short name": func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindSymbol(ctx, s, "B")
			return err
		},
		"any name": func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindAny(ctx, s, "B.C")
			return err
		},
		"method": func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindMethod(ctx, s, "a.B/C")
			return err
		},
		"short one": func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindMethod(ctx, s, "B.C")
			return err
		},
		"method only": func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindMethod(ctx, s, "C")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var dialled atomic.Int32
			void := func(ctx context.Context, _, _ string) (net.Conn, error) {
				dialled.Add(1)
				<-ctx.Done()
				return nil, ctx.Err()
			}
			transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: "192.0.2.1:1", Security: invoke.SecurityPlaintext},
				grpcwire.Options{Connect: connect.Dialer{Timeout: limit, Net: void}})
			if err != nil {
				t.Fatal(err)
			}
			defer transport.Close()
			r := discovery.Reflect(transport, discovery.ReflectOptions{Timeout: limit / 2, Open: time.Minute})
			defer r.Close()
			err = lookup(t.Context(), discovery.Layer(r, discovery.Builtin()))
			var ce *connect.Error
			if !errors.As(err, &ce) || ce.Kind != connect.TimedOut || dialled.Load() != 1 {
				t.Errorf("%v, after connecting %d times", err, dialled.Load())
			}
		})
	}
}
