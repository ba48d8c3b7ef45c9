package formatters

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/invoke"
)

// Output for a person is cut, whatever a server sends; output for a program is whole.
func TestLongStatus(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	many := &errdetails.DebugInfo{}
	for i := range 100_000 {
		many.StackEntries = append(many.StackEntries, fmt.Sprint("entry ", i))
	}
	for name, s := range map[string]*invoke.Status{
		"message":    {Message: long},
		"detail":     {Details: []*anypb.Any{detail(t, &errdetails.RequestInfo{RequestId: long})}},
		"many parts": {Details: []*anypb.Any{detail(t, many)}},
		"many":       {Details: slices.Repeat([]*anypb.Any{detail(t, &errdetails.RequestInfo{RequestId: "r"})}, 100_000)},
		"type":       {Details: []*anypb.Any{{TypeUrl: "type.googleapis.com/" + long}}},
	} {
		t.Run(name, func(t *testing.T) {
			s.Code, s.Origin = codes.Internal, invoke.OriginServer
			var told, kept bytes.Buffer
			if err := WriteStatus(&told, s, Options{}); err != nil {
				t.Fatal(err)
			}
			if told.Len() > maxBlock+2*MaxText || !strings.Contains(told.String(), " in all)") && !strings.Contains(told.String(), "(cut:") {
				t.Errorf("%d bytes are told: %.200q", told.Len(), told.String())
			}
			if err := WriteErrorJSON(&kept, s, Options{}); err != nil {
				t.Fatal(err)
			}
			if kept.Len() < 1<<20 {
				t.Errorf("a program gets %d bytes alone", kept.Len())
			}
		})
	}
}

// Details that are together too long to be read have their bytes in what a program gets.
func TestDetailsAreBounded(t *testing.T) {
	long := strings.Repeat("x", 9<<20)
	s := &invoke.Status{Code: codes.Internal, Origin: invoke.OriginServer, Details: []*anypb.Any{
		detail(t, &errdetails.RequestInfo{RequestId: long}), detail(t, &errdetails.LocalizedMessage{Message: long}), detail(t, &errdetails.Help{}),
	}}
	var out bytes.Buffer
	f, err := New(Events, &out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Event(&invoke.Event{Kind: invoke.Finished, At: at(0), Status: s}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, `"value":"`) != 3 || strings.Count(got, `"message":{`) != 2 || strings.Contains(got, `"message":{"@type":"type.googleapis.com/google.rpc.LocalizedMessage"`) {
		t.Errorf("not the first and the last detail alone have a message: %d bytes", len(got))
	}
	out.Reset()
	if err := WriteErrorJSON(&out, s, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, `"unresolved": true`) != 1 {
		t.Errorf("not one detail alone has its bytes: %d bytes", len(got))
	}
}

func TestLongMetadata(t *testing.T) {
	md := invoke.Metadata{"long": {strings.Repeat("x", 1<<20)}, "long-bin": {strings.Repeat("x", 1<<20)}}
	for i := range 10_000 {
		md.Add("many", fmt.Sprint("value ", i))
	}
	got := tell(t, 1, Options{}, &invoke.Event{Kind: invoke.HeadersReceived, At: at(0), Metadata: md})
	if len(got) > 2*maxBlock || strings.Count(got, "(cut: 1048576 bytes in all)") != 2 || !strings.Contains(got, " more; -o events shows all of it)") {
		t.Errorf("%d bytes are told: %.200q", len(got), got)
	}
}

// A cell of a table shows the beginning of a long text, and how long it is.
func TestLongCell(t *testing.T) {
	for name, text := range map[string]string{
		"plain": strings.Repeat("x", 2*MaxText), "controls": strings.Repeat("\x01", 2*MaxText), "quotes": strings.Repeat(`"`, 2*MaxText),
		"accents": "x" + strings.Repeat("é", 2*MaxText), "short": "a\n\"b\"", "astral": strings.Repeat("\U000E0001", MaxText),
		"just short enough": strings.Repeat(`"`, MaxText),
	} {
		if got, want := cellText(jsontext.AppendString(nil, text)), Clean(Cut(text, MaxText), false); got != want {
			t.Errorf("%s: got %.60q… of %d bytes, want %.60q… of %d", name, got, len(got), want, len(want))
		}
	}
}
