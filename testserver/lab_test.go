package testserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func TestEcho(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	for filling, name := range demov1.SampleRequest_Filling_name {
		if demov1.SampleRequest_Filling(filling) == demov1.SampleRequest_FILLING_NOT_UTF8 {
			continue // The client's own library refuses it.
		}
		t.Run(name, func(t *testing.T) {
			m := ok[*demov1.Everything](t)(lab.Sample(within(t), &demov1.SampleRequest{Filling: demov1.SampleRequest_Filling(filling), Depth: 3}))
			same(t, ok[*demov1.Everything](t)(lab.Echo(within(t), m)), m)
			stream := ok[grpc.BidiStreamingClient[demov1.Everything, demov1.Everything]](t)(lab.EchoStream(within(t)))
			for range 3 {
				if err := stream.Send(m); err != nil {
					t.Fatal(err)
				}
				same(t, ok[*demov1.Everything](t)(stream.Recv()), m)
			}
			if err := stream.CloseSend(); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
		})
	}
	t.Run("proto2", func(t *testing.T) {
		m := &demov1.Legacy{
			Name: proto.String("x"), Grades: []demov1.Grade{demov1.Grade_GRADE_GREAT},
			Box: &demov1.Legacy_Box{Width: proto.Int32(3)}, Row: []*demov1.Legacy_Row{{Cell: []string{"a"}}, {}},
			Tag: &demov1.Legacy_Tag{Key: proto.String("k")}, Which: &demov1.Legacy_Other_{Other: &demov1.Legacy_Other{}},
		}
		proto.SetExtension(m, demov1.E_Motto, "forwards")
		proto.SetExtension(m, demov1.E_Scores, []int64{-1, 2})
		proto.SetExtension(m, demov1.E_Annex, &demov1.Annex{Floors: proto.Int32(2)})
		same(t, ok[*demov1.Legacy](t)(lab.EchoLegacy(within(t), m)), m)
	})
	t.Run("edition 2023", func(t *testing.T) {
		m := &demov1.Modern{
			Name: proto.String(""), Plain: 1, Part: &demov1.Modern_Part{Key: proto.String("k")},
			Parts: []*demov1.Modern_Part{{Key: proto.String("l")}}, Expanded: []int32{1, 2}, Mood: demov1.Mood_MOOD_POORLY.Enum(),
			LooseText: proto.String("\xff"),
		}
		same(t, ok[*demov1.Modern](t)(demov1.NewEditionsClient(conn).EchoModern(within(t), m)), m)
	})
}

func TestSample(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	for filling, name := range demov1.SampleRequest_Filling_name {
		filling := demov1.SampleRequest_Filling(filling)
		t.Run(name, func(t *testing.T) {
			m, err := lab.Sample(within(t), &demov1.SampleRequest{Filling: filling})
			if filling == demov1.SampleRequest_FILLING_NOT_UTF8 {
				if grpcCode(err) != codes.Internal || !strings.Contains(err.Error(), "UTF-8") {
					t.Errorf("got %v, %v", m, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text := ok[[]byte](t)(protojson.Marshal(m))
			back := &demov1.Everything{}
			if err := (protojson.UnmarshalOptions{}).Unmarshal(text, back); err != nil {
				t.Fatal(err)
			}
			if filling != demov1.SampleRequest_FILLING_UNKNOWN {
				same(t, back, m)
			}
			if unset := unfilled(m); filling == demov1.SampleRequest_FILLING_PLAIN && len(unset) > 0 {
				t.Errorf("not filled: %v", unset)
			}
		})
	}
	t.Run("depth", func(t *testing.T) {
		m := ok[*demov1.Everything](t)(lab.Sample(within(t), &demov1.SampleRequest{Depth: maxDepth}))
		depth := 0
		for ; m.GetChild().GetInt32Value() != 0; m = m.GetChild() {
			depth++
		}
		same(t, depth, maxDepth)
	})
	t.Run("refused", func(t *testing.T) {
		_, err := lab.Sample(within(t), &demov1.SampleRequest{Filling: 77, Depth: -1})
		refused(t, err, codes.InvalidArgument, "depth must be 0 to 5000, not -1, and 1 more",
			bad("depth", "must be 0 to 5000, not -1", "filling", "must be one of the enum, not 77"))
	})
}

// unfilled names the fields of a sample that have no value. Of a oneof, one may
// have.
func unfilled(m proto.Message) (names []protoreflect.Name) {
	r := m.ProtoReflect()
	fields := r.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		oneof := field.ContainingOneof()
		// The one value of NullValue is zero, which cannot be told from absent.
		if r.Has(field) || oneof != nil && r.WhichOneof(oneof) != nil || field.Name() == "null_value" {
			continue
		}
		names = append(names, field.Name())
	}
	return names
}

func TestSampleUnknown(t *testing.T) {
	_, conn := start(t, Options{})
	m := ok[*demov1.Everything](t)(demov1.NewLabClient(conn).Sample(within(t), &demov1.SampleRequest{Filling: demov1.SampleRequest_FILLING_UNKNOWN}))
	var types []protowire.Type
	for b := m.ProtoReflect().GetUnknown(); len(b) > 0; {
		_, kind, n := protowire.ConsumeField(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		types, b = append(types, kind), b[n:]
	}
	same(t, types, []protowire.Type{protowire.VarintType, protowire.Fixed32Type, protowire.Fixed64Type, protowire.BytesType, protowire.StartGroupType})
	same(t, m.GetEnumValue(), demov1.Flavour(99))
}

func TestSurprise(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	gift := func(content demov1.SurpriseRequest_Content) *anypb.Any {
		return ok[*demov1.SurpriseReply](t)(lab.Surprise(within(t), &demov1.SurpriseRequest{Content: content})).GetGift()
	}
	unpacked := func(a *anypb.Any) proto.Message { return ok[proto.Message](t)(a.UnmarshalNew()) }
	same(t, unpacked(gift(demov1.SurpriseRequest_CONTENT_PARCEL)).(*demov1.Parcel).GetLabel(), "this side up")
	same(t, unpacked(gift(demov1.SurpriseRequest_CONTENT_WELL_KNOWN)), proto.Message(durationpb.New(90*time.Second)))
	outer := gift(demov1.SurpriseRequest_CONTENT_NESTED)
	inner := unpacked(unpacked(outer).(*anypb.Any)).(*anypb.Any)
	same(t, unpacked(inner), proto.Message(wrapperspb.String("tea")))
	if _, err := gift(demov1.SurpriseRequest_CONTENT_UNKNOWN).UnmarshalNew(); err == nil {
		t.Error("the unknown type is known")
	}
	if _, err := gift(demov1.SurpriseRequest_CONTENT_BROKEN).UnmarshalNew(); err == nil {
		t.Error("the broken message can be read")
	}
	same(t, gift(demov1.SurpriseRequest_CONTENT_NOTHING), &anypb.Any{})
	_, err := lab.Surprise(within(t), &demov1.SurpriseRequest{Content: 50})
	refused(t, err, codes.InvalidArgument, "content must be one of the enum, not 50", bad("content", "must be one of the enum, not 50"))
}

func TestCollect(t *testing.T) {
	_, conn := start(t, Options{})
	stream := ok[grpc.ClientStreamingClient[demov1.Everything, demov1.CollectReply]](t)(demov1.NewLabClient(conn).Collect(within(t)))
	last := &demov1.Everything{StringValue: "xyz"}
	for _, m := range []*demov1.Everything{{}, {Int32Value: 1}, last} {
		if err := stream.Send(m); err != nil {
			t.Fatal(err)
		}
	}
	same(t, ok[*demov1.CollectReply](t)(stream.CloseAndRecv()), &demov1.CollectReply{Count: 3, Bytes: 7, Last: last})
}

func TestFail(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	detail := ok[*anypb.Any](t)(anypb.New(wrapperspb.String("x")))
	for _, c := range []struct {
		name    string
		request *demov1.FailRequest
		code    codes.Code
		message string
		details []proto.Message
	}{
		{"empty", &demov1.FailRequest{}, codes.FailedPrecondition, "this failed because you asked for it: code, message and details choose another failure", nil},
		{"chosen", &demov1.FailRequest{Code: proto.Int32(5), Message: proto.String("no\n\x1b[31mthing %2F é"), Details: []*anypb.Any{detail}}, codes.NotFound, "no\n\x1b[31mthing %2F é", []proto.Message{wrapperspb.String("x")}},
		{"no message", &demov1.FailRequest{Code: proto.Int32(13), Message: proto.String("")}, codes.Internal, "", nil},
		{"a code of its own", &demov1.FailRequest{Code: proto.Int32(1010), Message: proto.String("x")}, 1010, "x", nil},
		{"all details", &demov1.FailRequest{AllDetails: true, Message: proto.String("x")}, codes.FailedPrecondition, "x", standardDetails()},
		{"bad code", &demov1.FailRequest{Code: proto.Int32(-1)}, codes.InvalidArgument, "code must be 0 to 2147483647, not -1", []proto.Message{bad("code", "must be 0 to 2147483647, not -1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := lab.Fail(within(t), c.request)
			refused(t, err, c.code, c.message, c.details...)
		})
	}
	t.Run("odd details", func(t *testing.T) {
		_, err := lab.Fail(within(t), &demov1.FailRequest{OddDetails: true})
		same(t, status.Convert(err).Proto().GetDetails(), []*anypb.Any{unknownAny(), brokenAny()})
	})
	t.Run("code 0", func(t *testing.T) {
		same(t, ok[*demov1.FailReply](t)(lab.Fail(within(t), &demov1.FailRequest{Code: proto.Int32(0)})), &demov1.FailReply{Message: "code 0 is success"})
	})
	t.Run("after a few", func(t *testing.T) {
		got, err := received(t, ok[grpc.ServerStreamingClient[demov1.FailAfterReply]](t)(lab.FailAfter(within(t), &demov1.FailAfterRequest{
			Count: proto.Int32(2), Failure: &demov1.FailRequest{Code: proto.Int32(8), Message: proto.String("enough")},
		})))
		same(t, got, []*demov1.FailAfterReply{{Seq: 1, Of: 2}, {Seq: 2, Of: 2}})
		refused(t, err, codes.ResourceExhausted, "enough")
	})
}

func TestSlow(t *testing.T) {
	server, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	const path = "/rpcctl.demo.v1.Lab/Slow"
	t.Run("sleeps", func(t *testing.T) {
		d := durationpb.New(time.Millisecond)
		same(t, ok[*demov1.SlowReply](t)(lab.Slow(within(t), &demov1.SlowRequest{Duration: d})), &demov1.SlowReply{Slept: d, WokeAt: timestamppb.New(noon)})
	})
	t.Run("is cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(within(t))
		failed := make(chan error)
		go func() {
			_, err := lab.Slow(ctx, &demov1.SlowRequest{Duration: durationpb.New(time.Hour)})
			failed <- err
		}()
		if err := server.Wait(within(t), func(s Stats) bool { return s.Calls[path].Started == 2 }); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-failed; grpcCode(err) != codes.Canceled {
			t.Error(err)
		}
		if err := server.Wait(within(t), func(s Stats) bool { return s.Calls[path].Cancelled == 1 }); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("runs out of time", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := lab.Slow(ctx, &demov1.SlowRequest{})
		if grpcCode(err) != codes.DeadlineExceeded {
			t.Error(err)
		}
		// The client may give up a moment before the server's own clock does, and
		// then the server sees a cancellation.
		err = server.Wait(within(t), func(s Stats) bool { return s.Calls[path].Expired+s.Calls[path].Cancelled == 2 })
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		_, err := lab.Slow(within(t), &demov1.SlowRequest{Duration: durationpb.New(time.Hour + 1)})
		refused(t, err, codes.InvalidArgument, "duration must be 0s to 3600s, not 1h0m0.000000001s", bad("duration", "must be 0s to 3600s, not 1h0m0.000000001s"))
		_, err = lab.Slow(within(t), &demov1.SlowRequest{Duration: &durationpb.Duration{Nanos: 2e9}})
		if grpcCode(err) != codes.InvalidArgument {
			t.Error(err)
		}
	})
}

func TestCount(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	for _, c := range []struct {
		name    string
		request *demov1.CountRequest
		n, size int
	}{
		{"empty", &demov1.CountRequest{}, 10, 0},
		{"none", &demov1.CountRequest{N: proto.Int64(0)}, 0, 0},
		{"many", &demov1.CountRequest{N: proto.Int64(20_000), PayloadBytes: 100}, 20_000, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := received(t, ok[grpc.ServerStreamingClient[demov1.CountReply]](t)(lab.Count(within(t), c.request)))
			if err != nil || len(got) != c.n {
				t.Fatalf("%d of %d: %v", len(got), c.n, err)
			}
			for i, m := range got {
				if m.GetI() != int64(i+1) || len(m.GetPayload()) != c.size {
					t.Fatalf("message %d is %d with %d bytes", i+1, m.GetI(), len(m.GetPayload()))
				}
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		_, err := received(t, ok[grpc.ServerStreamingClient[demov1.CountReply]](t)(lab.Count(within(t), &demov1.CountRequest{N: proto.Int64(-1)})))
		refused(t, err, codes.InvalidArgument, "n must be 0 to 100000000, not -1", bad("n", "must be 0 to 100000000, not -1"))
	})
}

func TestBlob(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	for _, size := range []int64{0, 1, 251, 252, 1024, 70 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			data := ok[*demov1.BlobReply](t)(lab.Blob(within(t), &demov1.BlobRequest{Size: &size})).GetData()
			if int64(len(data)) != size {
				t.Fatalf("%d bytes", len(data))
			}
			for i, b := range data[:min(size, 251)] {
				if b != byte(i) {
					t.Fatalf("byte %d is %d", i, b)
				}
			}
			if size > 251 && !bytes.Equal(data[251:], data[:size-251]) {
				t.Error("the pattern does not repeat")
			}
		})
	}
	same(t, len(ok[*demov1.BlobReply](t)(lab.Blob(within(t), &demov1.BlobRequest{})).GetData()), 1024)
	_, err := lab.Blob(within(t), &demov1.BlobRequest{Size: proto.Int64(maxBlob + 1)})
	refused(t, err, codes.InvalidArgument, "size must be 0 to 83886080, not 83886081", bad("size", "must be 0 to 83886080, not 83886081"))
}

func TestFlaky(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	fails := func(attempt, of int) {
		t.Helper()
		_, err := lab.Flaky(within(t), &demov1.FlakyRequest{Key: "k", Failures: proto.Int32(int32(of))})
		refused(t, err, codes.Unavailable, fmt.Sprintf("attempt %d of %d that fail", attempt, of), &errdetails.RetryInfo{RetryDelay: durationpb.New(100 * time.Millisecond)})
	}
	works := func(key string, of, attempts int32) {
		t.Helper()
		same(t, ok[*demov1.FlakyReply](t)(lab.Flaky(within(t), &demov1.FlakyRequest{Key: key, Failures: &of})), &demov1.FlakyReply{Attempts: attempts})
	}
	fails(1, 2)
	works("other", 0, 1)
	fails(2, 2)
	works("k", 2, 3)
	fails(1, 1)
	works("k", 1, 2)
	_, err := lab.Flaky(within(t), &demov1.FlakyRequest{Key: strings.Repeat("k", 257), Failures: proto.Int32(1001)})
	refused(t, err, codes.InvalidArgument, "failures must be 0 to 1000, not 1001, and 1 more",
		bad("failures", "must be 0 to 1000, not 1001", "key", "must have at most 256 bytes, not 257"))
}

func TestFlakyIsBounded(t *testing.T) {
	f := newFlaky()
	for i := range 3 * maxFlakyKeys {
		f.try(fmt.Sprint(i), 1)
		if len(f.keys) != len(f.attempts) || len(f.keys) > maxFlakyKeys {
			t.Fatalf("after %d: %d keys, %d counts", i+1, len(f.keys), len(f.attempts))
		}
	}
	if _, works := f.try(fmt.Sprint(3*maxFlakyKeys-1), 1); !works {
		t.Error("the newest key was forgotten")
	}
}

func TestSubscribe(t *testing.T) {
	server, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	subscribe := func(t *testing.T) grpc.BidiStreamingClient[demov1.Subscription, demov1.Tick] {
		t.Helper()
		return ok[grpc.BidiStreamingClient[demov1.Subscription, demov1.Tick]](t)(lab.Subscribe(within(t)))
	}
	t.Run("ticks while the client keeps its side open", func(t *testing.T) {
		stream := subscribe(t)
		for _, name := range []string{"a", "b"} {
			if err := stream.Send(&demov1.Subscription{Name: name, DelayMs: proto.Int32(1)}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[string][]int32{}
		for range 6 {
			tick := ok[*demov1.Tick](t)(stream.Recv())
			seen[tick.GetName()] = append(seen[tick.GetName()], tick.GetSeq())
		}
		same(t, seen, map[string][]int32{"a": {1, 2, 3}, "b": {1, 2, 3}})
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, %v", m, err)
		}
	})
	t.Run("ends when the client has finished", func(t *testing.T) {
		stream := subscribe(t)
		if err := stream.Send(&demov1.Subscription{DelayMs: proto.Int32(maxDelayMS)}); err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("got %v, %v", m, err)
		}
	})
	t.Run("ends when the client is gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(within(t))
		stream := ok[grpc.BidiStreamingClient[demov1.Subscription, demov1.Tick]](t)(lab.Subscribe(ctx))
		if err := stream.Send(&demov1.Subscription{Count: proto.Int32(maxCount), DelayMs: proto.Int32(1)}); err != nil {
			t.Fatal(err)
		}
		ok[*demov1.Tick](t)(stream.Recv())
		cancel()
		err := server.Wait(within(t), func(s Stats) bool { return s.Calls["/rpcctl.demo.v1.Lab/Subscribe"].Cancelled == 1 })
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("too many", func(t *testing.T) {
		stream := subscribe(t)
		for range maxSubscriptions + 1 {
			if err := stream.Send(&demov1.Subscription{DelayMs: proto.Int32(maxDelayMS)}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := stream.Recv()
		refused(t, err, codes.ResourceExhausted, "a stream has at most 100 subscriptions at a time")
	})
}
