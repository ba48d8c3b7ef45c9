package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver"
)

func TestConcurrentUse(t *testing.T) {
	tr, server := demo(t, testserver.Options{})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	for name, source := range map[string]discovery.Source{
		"reflection": r, "protoset": demoSet(t), "layered": discovery.Layer(demoSet(t), r, discovery.Builtin()),
	} {
		t.Run(name, func(t *testing.T) {
			types := discovery.Types(t.Context(), source)
			var wg sync.WaitGroup
			for i := range 16 {
				wg.Go(func() {
					method := []string{"Shop/PlaceOrder", "rpcctl.demo.v1.Lab/Echo", "SayHello", "Warehouse.Stock"}[i%4]
					if _, err := discovery.FindMethod(t.Context(), source, method); err != nil {
						t.Errorf("%s: %v", method, err)
					}
					if _, err := discovery.FindSymbol(t.Context(), source, "rpcctl.demo.v1.Order.id"); err != nil {
						t.Error(err)
					}
					if _, err := source.Extensions(t.Context(), "rpcctl.demo.v1.Legacy"); err != nil {
						t.Error(err)
					}
					if _, err := types.FindMessageByName("rpcctl.demo.v1.Parcel"); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
	if got := server.Stats().Calls["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]; got.Started != 1 {
		t.Errorf("%d streams", got.Started)
	}
}

// A caller that gives up does so at once, also while another one's question is
// under way, and the next question is asked on a new stream.
func TestCancelledQuestion(t *testing.T) {
	asked, release := make(chan string, 8), make(chan struct{})
	answer := func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		asked <- req.GetFileContainingSymbol()
		if req.GetFileContainingSymbol() == "slow.Slow" {
			<-release
		}
		return refusal(int32(codes.NotFound), ""), nil
	}
	r := discovery.Reflect(serve(t, answer, "v1"), discovery.ReflectOptions{Timeout: time.Minute})
	defer r.Close()
	defer close(release)

	first, cancelFirst := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := r.Find(first, "slow.Slow")
		ended <- err
	}()
	<-asked
	second, cancelSecond := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancelSecond()
	_, err := r.Find(second, "other.Other") // waits for its turn
	wantCode(t, err, codes.DeadlineExceeded)
	cancelFirst()
	wantCode(t, <-ended, codes.Canceled)
	if _, err := r.Find(t.Context(), "third.Third"); !errors.Is(err, discovery.ErrNotFound) {
		t.Error(err)
	}
	if q := <-asked; q != "third.Third" {
		t.Errorf("asked for %q", q)
	}
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	var se *invoke.StatusError
	if !errors.As(err, &se) || se.Status.Code != want || se.Status.Origin != invoke.OriginClient {
		t.Errorf("error %v, want %s", err, invoke.CodeName(want))
	}
}

// A server that sends one file for each question is asked for all imports of a
// file without waiting for each.
func TestImportsAreAskedForTogether(t *testing.T) {
	const imports = 10
	text := `name: "top.proto" package: "top" syntax: "proto3" message_type { name: "M" `
	b := book{}
	for i := range imports {
		text += fmt.Sprintf(`field { name: "f%d" number: %d label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".d%d.M" } `, i, i+1, i)
		b[fmt.Sprintf("d%d.proto", i)] = files(fileProto(t, fmt.Sprintf(`name: "d%d.proto" package: "d%d" syntax: "proto3" message_type { name: "M" }`, i, i)))
	}
	text += "} "
	for i := range imports {
		text += fmt.Sprintf(`dependency: "d%d.proto" `, i)
	}
	b["top.M"] = files(fileProto(t, text))
	// After the first import the server holds its answers back until all questions
	// have arrived.
	var held []*reflectpb.ServerReflectionResponse
	hold := func(req *reflectpb.ServerReflectionRequest, nth int) []*reflectpb.ServerReflectionResponse {
		a, _ := b.answer(req, nth)
		if nth < 2 {
			return []*reflectpb.ServerReflectionResponse{a}
		}
		if held = append(held, a); nth < imports {
			return nil
		}
		return held
	}
	r := discovery.Reflect(serveMany(t, hold), discovery.ReflectOptions{Timeout: 5 * time.Second})
	defer r.Close()
	d, err := r.Find(t.Context(), "top.M")
	if err != nil {
		t.Fatal(err)
	}
	if len(held) != imports-1 {
		t.Errorf("%d answers were held back, want %d", len(held), imports-1)
	}
	fields := d.(protoreflect.MessageDescriptor).Fields()
	for i := range fields.Len() {
		if fields.Get(i).Message().IsPlaceholder() {
			t.Errorf("%s is left open", fields.Get(i).FullName())
		}
	}
}

func TestWithoutComments(t *testing.T) {
	comment := func(s *discovery.Protoset) string {
		d, err := s.Find(t.Context(), "rpcctl.demo.v1.Shop")
		if err != nil {
			t.Fatal(err)
		}
		return d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments
	}
	if comment(demoSet(t)) == "" {
		t.Error("no comment where there should be one")
	}
	if c := comment(demoSet(t).WithoutComments()); c != "" {
		t.Errorf("comment %q", c)
	}
}
