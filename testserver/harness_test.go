package testserver

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

// noon is the clock of the servers under test.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// patience is how long a test waits for what must happen; a test that passes never waits for
// it.
const patience = 2 * time.Minute

// start serves in memory until the test ends, and connects to it.
func start(t *testing.T, o Options) (*Server, *grpc.ClientConn) {
	t.Helper()
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	m := StartMemory(o)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m.Server, dialMemory(t, m)
}

// dialMemory connects to a server in memory until the test ends.
func dialMemory(t testing.TB, m *Memory) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///demo",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return m.Dial(ctx) }),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(128<<20)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Canceled: the test has closed it itself.
		if err := conn.Close(); err != nil && status.Code(err) != codes.Canceled {
			t.Error(err)
		}
	})
	return conn
}

// within bounds a test that could wait for ever.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// same fails the test unless got equals want, messages compared by their fields.
func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform(), cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// ok fails the test unless err is nil, and passes the value on.
func ok[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// refused fails the test unless err has the code, message and details.
func refused(t *testing.T, err error, code codes.Code, message string, details ...proto.Message) {
	t.Helper()
	s, isStatus := status.FromError(err)
	if err == nil || !isStatus {
		t.Fatalf("got %v, want %v", err, code)
	}
	var got []proto.Message
	for _, detail := range s.Details() {
		m, isMessage := detail.(proto.Message)
		if !isMessage {
			t.Fatalf("detail: %v", detail)
		}
		got = append(got, m)
	}
	type failed struct {
		Code    codes.Code
		Message string
		Details []proto.Message
	}
	same(t, failed{s.Code(), s.Message(), got}, failed{code, message, details})
}

// grpcCode is the code of an error, OK for none.
func grpcCode(err error) codes.Code { return status.Code(err) }
