package discovery_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/rpcctl/rpcctl/discovery"
)

// onlyList answers the question for the list, and leaves every other open until
// the server stops.
func onlyList(t *testing.T) answerer {
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) })
	return func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		if req.GetListServices() != "" {
			return listing("e.S"), nil
		}
		<-silent
		return nil, nil
	}
}

// lookups are the ways to ask for a symbol of the service e.S.
func lookups() map[string]func(context.Context, discovery.Source) error {
	symbol := func(name string) func(context.Context, discovery.Source) error {
		return func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindSymbol(ctx, s, name)
			return err
		}
	}
	method := func(name string) func(context.Context, discovery.Source) error {
		return func(ctx context.Context, s discovery.Source) error {
			_, err := discovery.FindMethod(ctx, s, name)
			return err
		}
	}
	return map[string]func(context.Context, discovery.Source) error{
		"FindMethod e.S/Do": method("e.S/Do"), "FindMethod S/Do": method("S/Do"), "FindMethod Do": method("Do"),
		"FindSymbol e.S": symbol("e.S"), "FindSymbol S": symbol("S"), "FindSymbol e.S/Do": symbol("e.S/Do"),
		"FindSymbol e.M": symbol("e.M"),
	}
}

// A server that lists a service and does not answer questions about it has not said that it
// has no descriptor.
func TestSilentAboutListed(t *testing.T) {
	for name, find := range lookups() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, deadline := range []bool{false, true} {
				// Long enough for the list on a busy machine.
				ctx, limit, want := t.Context(), 500*time.Millisecond, codes.Unavailable
				if deadline {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, limit)
					defer cancel()
					limit, want = time.Minute, codes.DeadlineExceeded
				}
				r := discovery.Reflect(serve(t, onlyList(t), "v1"), discovery.ReflectOptions{Timeout: limit})
				err := find(ctx, discovery.Layer(r, discovery.Builtin()))
				var re *discovery.ReflectionError
				if !errors.As(err, &re) || re.Status.Code != want || !strings.HasPrefix(re.Question, `file of symbol "e.`) {
					t.Errorf("error %v, want %v for the file of the symbol", err, want)
				}
				if errors.Is(err, discovery.ErrNotFound) || errors.As(err, new(*discovery.DescriptorError)) {
					t.Errorf("%v is taken for an answer", err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// A fault in the descriptor of a listed service is reported.
func TestFaultyDescriptorOfListed(t *testing.T) {
	file := func(message string) *reflectpb.ServerReflectionResponse {
		return files(fileProto(t, `name: "e.proto" package: "e" syntax: "proto3" message_type { name: "M" `+message+` }
			service { name: "S" method { name: "Do" input_type: ".e.M" output_type: ".e.M" } }`))
	}
	tests := []struct {
		name   string
		answer *reflectpb.ServerReflectionResponse
		want   string
	}{
		{"oneof", file(`field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: -7 }`), `"e.M.f" is in oneof -7 of 0`},
		{"enum", file(`enum_type { name: "E" }`), `enum "e.M.E" has no values`},
		{"depth", file(strings.Repeat(`nested_type { name: "N" `, 100) + strings.Repeat("}", 100)), "nested more than 64 deep"},
		{"escape", file(`field { name: "f\033[2J" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }`), "is not a name"},
		{"garbage", withGarbage(files()), "reading a file descriptor"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := book{"list": listing("e.S"), "e.S": test.answer, "e.S.Do": test.answer, "e.M": test.answer}
			for name, find := range lookups() {
				r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
				err := find(t.Context(), discovery.Layer(r, discovery.Builtin()))
				if !errors.As(err, new(*discovery.DescriptorError)) || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%s: error %v, want one with %q", name, err, test.want)
				}
				if errors.Is(err, discovery.ErrNotFound) {
					t.Errorf("%s: %v is taken for a name that is missing", name, err)
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// Only a server that says so has no descriptor of a service that it lists; the error of one
// that refuses has its own message.
func TestListedWithoutDescriptor(t *testing.T) {
	for want, b := range map[string]book{
		"the service is listed and has no descriptor": {"list": listing("e.S")},
		"oops": {"list": listing("e.S"), "e.S": refusal(int32(codes.Internal), "oops")},
	} {
		for _, name := range []string{"e.S", "S"} {
			r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
			l := discovery.Layer(r, discovery.Builtin())
			if _, err := discovery.FindSymbol(t.Context(), l, name); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("symbol %s: error %v, want one with %q", name, err, want)
			}
			if _, err := discovery.FindMethod(t.Context(), l, name+"/Do"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("method of %s: error %v, want one with %q", name, err, want)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
