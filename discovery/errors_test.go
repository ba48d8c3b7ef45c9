package discovery_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/invoke"
)

func TestErrorTexts(t *testing.T) {
	status := &invoke.Status{Code: codes.NotFound, Message: "gone"}
	tests := []struct {
		err  error
		want string
	}{
		{&discovery.UnknownError{Kind: "service", Name: "a.B"}, "a.B: no such service"},
		{&discovery.UnknownError{Kind: "method", Name: "C", In: "a.B"}, "a.B/C: no such method"},
		{&discovery.UnknownError{Kind: "method", Name: "C"}, "C: no such method"},
		{&discovery.UnknownError{Kind: "method", In: "a.B"}, "a.B is a service, and no method of it is named"},
		{&discovery.AmbiguousError{Name: "C", Candidates: []string{"a/C", "b/C"}}, `"C" is ambiguous: a/C, b/C`},
		{
			&discovery.AmbiguousError{Name: "C", Candidates: []string{"a", "b", "c", "d", "e", "f", "g"}},
			`"C" is ambiguous: a, b, c, d, e and 2 more`,
		},
		{&discovery.NameError{Name: "a b", Reason: "empty"}, `name "a b": empty`},
		{
			&discovery.NoReflectionError{Versions: []string{"v1", "v1alpha"}, Status: status},
			"the server has no reflection service (asked for v1 and v1alpha)",
		},
		{
			&discovery.ReflectionError{Question: `file "a.proto"`, Status: status},
			`reflection, asking for the file "a.proto": NOT_FOUND (5): gone`,
		},
		{&discovery.DescriptorError{Origin: "x.binpb", Err: errors.New("bad")}, "x.binpb: bad"},
		{&discovery.DescriptorError{Symbol: "a.B", Err: errors.New("bad")}, `descriptor of "a.B": bad`},
		{
			&discovery.DescriptorError{Symbol: "a.B", File: "a.proto", Origin: "reflection", Err: errors.New("bad")},
			`descriptor of "a.B" in "a.proto" from reflection: bad`,
		},
		{
			&discovery.ImportError{File: "a.proto", Line: 3, Column: 8, Import: "b.proto", Roots: []string{"x", "y"}, Err: errors.New("gone")},
			`a.proto:3:8: import "b.proto": gone (import path: x, y)`,
		},
		{&discovery.SyntaxError{File: "a.proto", Err: errors.New("bad")}, "a.proto: bad"},
	}
	for _, test := range tests {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// A connection that cannot be made keeps its cause, so that the error gives the reason, and
// not that a name is missing.
func TestRefusedConnection(t *testing.T) {
	tr := transport(t, func(context.Context) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	})
	r := discovery.Reflect(tr, discovery.ReflectOptions{})
	defer r.Close()
	_, err := discovery.FindMethod(t.Context(), discovery.Layer(r, discovery.Builtin()), "a.B/C")
	var re *discovery.ReflectionError
	if !errors.As(err, &re) || re.Status.Code != codes.Unavailable || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v", err)
	}
}

// What is ambiguous, and what is near, among the symbols of a schema.
func TestFindSymbolCandidates(t *testing.T) {
	s := set(t, `name: "s.proto" package: "s" syntax: "proto3"
		message_type { name: "Order" field { name: "amount" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } oneof_decl { name: "choice" }
			field { name: "chosen" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 0 }
			nested_type { name: "Line" } enum_type { name: "Size" value { name: "SMALL" number: 0 } } }
		enum_type { name: "Stage" value { name: "OPEN" number: 0 } value { name: "CLOSED" number: 1 } }
		service { name: "A" method { name: "Get" input_type: ".s.Order" output_type: ".s.Order" } }
		service { name: "B" method { name: "Get" input_type: ".s.Order" output_type: ".s.Order" } }`)
	two := set(t, `name: "t.proto" package: "t" syntax: "proto3" message_type { name: "Order" }`)
	l := discovery.Layer(s, two)
	for name, want := range map[string]protoreflect.FullName{
		"s.Stage.OPEN": "s.OPEN", "s.OPEN": "s.OPEN", "Stage.CLOSED": "s.CLOSED", "s.Order.amount": "s.Order.amount",
		"s.Order.choice": "s.Order.choice", "s.Order.Line": "s.Order.Line", "s.Order.Size.SMALL": "s.Order.SMALL",
		"s.A.Get": "s.A.Get", "s.A/Get": "s.A.Get", "B/Get": "s.B.Get",
	} {
		if d, err := discovery.FindSymbol(t.Context(), l, name); err != nil || d.FullName() != want {
			t.Errorf("%s: %v, %v", name, d, err)
		}
	}
	for name, want := range map[string]error{
		"Order":          &discovery.AmbiguousError{Name: "Order", Candidates: []string{"s.Order", "t.Order"}},
		"s.Order.amuont": &discovery.UnknownError{Kind: "symbol", Name: "s.Order.amuont", Near: []string{"s.Order.amount"}},
		"s.Stage.OPNE":   &discovery.UnknownError{Kind: "symbol", Name: "s.Stage.OPNE", Near: []string{"s.Stage.OPEN"}},
		"s.A/Gte":        &discovery.UnknownError{Kind: "symbol", Name: "s.A.Gte", Near: []string{"s.A/Get"}},
		"s.Order.Lime":   &discovery.UnknownError{Kind: "symbol", Name: "s.Order.Lime", Near: []string{"s.Order.Line", "s.Order.Size"}},
		"s.Order.Siez":   &discovery.UnknownError{Kind: "symbol", Name: "s.Order.Siez", Near: []string{"s.Order.Size"}},
	} {
		_, err := discovery.FindSymbol(t.Context(), l, name)
		if diff := cmp.Diff(want, err); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// A type that is missing is explained through layers too, and CheckMethod says
// what FindMethod says.
func TestMissingType(t *testing.T) {
	s := set(t, `name: "s.proto" package: "s" syntax: "proto3" dependency: "gone.proto"
		message_type { name: "M" field { name: "e" number: 1 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".gone.E" } }
		service { name: "S" method { name: "Get" input_type: ".s.M" output_type: ".s.M" } }`)
	l := discovery.Layer(s, discovery.Builtin())
	_, err := discovery.FindMethod(t.Context(), l, "S/Get")
	want := `descriptor of "s.M.e" in "s.proto": type gone.E: import "gone.proto": it is not there`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	d, err := l.Find(t.Context(), "s.S.Get")
	if err != nil {
		t.Fatal(err)
	}
	want = `descriptor of "s.M.e" in "s.proto": type gone.E: missing import gone.proto`
	if err := discovery.CheckMethod(d.(protoreflect.MethodDescriptor)); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if _, err := discovery.Types(t.Context(), l).FindMessageByName("s.M"); err == nil {
		t.Error("a type with a hole in it is used to decode")
	}
	if _, err := skeleton.Of(d.(protoreflect.MethodDescriptor).Input()); err != nil {
		t.Error(err)
	}
}

// Mistakes that have only one meaning are set right.
func TestMending(t *testing.T) {
	s := set(t, `name: "m.proto" package: "m" syntax: "proto2"
		enum_type { name: "Alias" value { name: "A" number: 0 } value { name: "B" number: 0 } }
		enum_type { name: "NoAlias" options { allow_alias: true } value { name: "C" } }
		message_type { name: "M" extension_range { start: 10 end: 20 }
			oneof_decl { name: "empty" } oneof_decl { name: "full" }
			field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 1 } }
		extension { name: "x" json_name: "other" number: 10 extendee: ".m.M" label: LABEL_OPTIONAL type: TYPE_STRING }`)
	m := message(t, s, "m.M")
	if m.Oneofs().Len() != 1 || m.Fields().Get(0).ContainingOneof().Name() != "full" {
		t.Errorf("%d oneofs", m.Oneofs().Len())
	}
	// A file with other well-known types than the linked ones is built with the rest of it.
	s = set(t, `name: "google_protobuf.proto" package: "google.protobuf" syntax: "proto3"
		message_type { name: "Timestamp" field { name: "lie" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }
		enum_type { name: "NullValue" value { name: "LIE" number: 0 } }
		message_type { name: "Own" field { name: "at" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "Timestamp" } }`)
	at := message(t, s, "google.protobuf.Own").Fields().ByName("at").Message()
	if at.Fields().ByName("seconds") == nil {
		t.Error("the timestamp is the server's")
	}
}
