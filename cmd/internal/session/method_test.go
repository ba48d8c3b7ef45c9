package session

import (
	"context"
	"errors"
	"testing"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/testserver"
)

func TestFindMethod(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	s := begin(t, World{}, target, Settings{})
	for _, tt := range []struct {
		name, symbol, want string
		is                 func(error) bool
	}{
		{"a full name", "rpcctl.demo.v1.Greeter/SayHello", "rpcctl.demo.v1.Greeter.SayHello", nil},
		{"an end of it", "Greeter/SayHello", "rpcctl.demo.v1.Greeter.SayHello", nil},
		{"the method alone", "SayHello", "rpcctl.demo.v1.Greeter.SayHello", nil},
		{"no such method", "rpcctl.demo.v1.Greeter/SayGoodbye", "", isError[*discovery.UnknownError]},
		{"no such service", "rpcctl.demo.v1.Barker/Bark", "", isError[*discovery.UnknownError]},
		{"no name", "a b", "", isError[*discovery.NameError]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, types, err := s.FindMethod(t.Context(), t.Context(), tt.symbol)
			switch {
			case tt.is != nil && (m != nil || !tt.is(err)):
				t.Errorf("got %v, %v", m, err)
			case tt.is == nil && (err != nil || string(m.FullName()) != tt.want):
				t.Errorf("got %v, %v, want %s", m, err, tt.want)
			case tt.is == nil:
				if _, err := types.FindMessageByName(m.Input().FullName()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func isError[E error](err error) bool { return errors.As(err, new(E)) }

// A lookup ends with its own context, and the types that it returned go on with the other.
func TestFindMethodEnds(t *testing.T) {
	target, _ := listen(t, testserver.Options{})
	s := begin(t, World{}, target, Settings{})
	ready, cancel := context.WithCancel(t.Context())
	_, types, err := s.FindMethod(t.Context(), ready, "rpcctl.demo.v1.Greeter/SayHello")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := types.FindMessageByName("rpcctl.demo.v1.Everything"); err != nil {
		t.Error(err)
	}
	if _, _, err := s.FindMethod(t.Context(), ready, "rpcctl.demo.v1.Shop/GetProduct"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}
