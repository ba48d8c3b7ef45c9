package formatters

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
)

func detail(t testing.TB, m proto.Message) *anypb.Any {
	t.Helper()
	d, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// aCall is a call with everything in it, as the Invoker reports it.
func aCall(t testing.TB) []*invoke.Event {
	files := kitchen(t)
	method := descriptor[protoreflect.MethodDescriptor](t, files, "kitchen.v1.Kitchen.Talk")
	call := &invoke.Call{Method: method, Types: dynamicpb.NewTypes(files)}
	request := message(t, method.Input(), `name: "soup"`)
	answer := message(t, method.Output(), `name: "soup\u009b" price_cents: 5`)
	us := time.Microsecond
	events := []*invoke.Event{
		{
			Kind: invoke.Opened, At: atTime(0),
			Wire: invoke.Wire{URL: "http://127.0.0.1:8080/kitchen.v1.Kitchen/Talk", Protocol: "grpc", HTTP: "2", Codec: "proto", Compression: "identity"},
			Metadata: invoke.Metadata{
				"x-a": {"1", "2,3"}, "authorization": {"Bearer abc"}, "x-api-key": {"k1", "k2"}, "k-bin": {"\x00\x01"}, "x-mine": {"hidden"},
			},
		},
		{Kind: invoke.RequestSent, At: atTime(1200 * us), Message: request},
		{Kind: invoke.RequestsDone, At: atTime(1300 * us)},
		{Kind: invoke.HeadersReceived, At: atTime(5100*us + 999), Metadata: invoke.Metadata{
			"content-type": {"application/grpc"}, "x-odd": {"a\xffb\x1b"}, "authorization": {"shown"}, "x-e": {""},
		}},
		{Kind: invoke.ResponseReceived, At: atTime(5400 * us), Message: answer},
		{Kind: invoke.ResponseReceived, At: atTime(5300 * us), Seq: 1, Message: message(t, method.Output(), "")}, // a clock that went back
		{
			Kind: invoke.Finished, At: atTime(6 * time.Millisecond),
			Metadata: invoke.Metadata{"grpc-status": {"8"}, "t-bin": {"\xff"}},
			Status: &invoke.Status{
				Code: codes.ResourceExhausted, Message: " too\nmuch \u202e", Origin: invoke.OriginServer,
				Details: []*anypb.Any{
					detail(t, &errdetails.ErrorInfo{Reason: "BUSY", Domain: "kitchen"}),
					{TypeUrl: "type.googleapis.com/kitchen.v1.Dish", Value: request.Wire},
					{TypeUrl: "type.googleapis.com/kitchen.v1.Dish", Value: []byte{0x0a, 0x7f}},
					{TypeUrl: "type.googleapis.com/kitchen.v1.Unheard", Value: []byte{0xfb, 0xef}},
				},
			},
		},
	}
	for _, e := range events {
		e.Call = call
	}
	return events
}

func TestEvents(t *testing.T) {
	w := &writes{start: time.Now()}
	o := Options{Types: dynamicpb.NewTypes(kitchen(t)), SecretHeaders: func(name string) bool { return name == "x-mine" }}
	p, err := New(Events, w, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range aCall(t) {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
		if want := min(i+1+i/6, i+2); len(w.each) != want {
			t.Errorf("%d writes after event %d, want %d", len(w.each), i, want)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, line := range w.each {
		if !strings.HasSuffix(line, "}\n") || strings.Count(line, "\n") != 1 || !json.Valid([]byte(line)) {
			t.Errorf("not one line of JSON: %q", line)
		}
		harmless(t, "line", line)
	}
	golden(t, "events", strings.Join(w.each, ""))
}

// A reader gets back what was put in, field by field.
func TestEventsReadBack(t *testing.T) {
	files := kitchen(t)
	var got []map[string]any
	for line := range strings.Lines(printEvents(t, Options{Types: dynamicpb.NewTypes(files)}, aCall(t)...)) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		got = append(got, m)
	}
	type object = map[string]any
	type list = []any
	want := []map[string]any{
		{
			"event": "request", "ms": 0.0, "method": "kitchen.v1.Kitchen/Talk", "kind": "bidi",
			"url": "http://127.0.0.1:8080/kitchen.v1.Kitchen/Talk", "protocol": "grpc", "http": "2", "codec": "proto", "compression": "identity",
			"metadata": object{"x-a": list{"1", "2,3"}, "authorization": list{"•••"}, "x-api-key": list{"•••", "•••"}, "k-bin": list{"•••"}, "x-mine": list{"hidden"}},
		},
		{"event": "sent", "ms": 1.2, "index": 0.0, "size": 6.0},
		{"event": "half-close", "ms": 1.3},
		{"event": "headers", "ms": 5.1, "metadata": object{"content-type": list{"application/grpc"}, "x-odd": list{"a\u00ffb\x1b"}, "authorization": list{"•••"}, "x-e": list{""}}},
		{"event": "message", "ms": 5.4, "index": 0.0, "size": 10.0, "message": object{"name": "soup\u009b", "priceCents": "5"}},
		{"event": "message", "ms": 5.4, "index": 1.0, "size": 0.0, "message": object{}},
		{"event": "trailers", "ms": 6.0, "metadata": object{"grpc-status": list{"8"}, "t-bin": list{"/w=="}}},
		{
			"event": "status", "ms": 6.0, "code": 8.0, "name": "RESOURCE_EXHAUSTED", "message": " too\nmuch \u202e", "origin": "server",
			"details": list{
				object{"type": "google.rpc.ErrorInfo", "value": "CgRCVVNZEgdraXRjaGVu", "message": object{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BUSY", "domain": "kitchen"}},
				object{"type": "kitchen.v1.Dish", "value": "CgRzb3Vw", "message": object{"@type": "type.googleapis.com/kitchen.v1.Dish", "name": "soup"}},
				object{"type": "kitchen.v1.Dish", "value": "Cn8="},
				object{"type": "kitchen.v1.Unheard", "value": "++8="},
			},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func printEvents(t testing.TB, o Options, events ...*invoke.Event) string {
	t.Helper()
	var b strings.Builder
	p, err := New(Events, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := p.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEventsOfTheEnd(t *testing.T) {
	opened := &invoke.Event{Kind: invoke.Opened, At: atTime(0)}
	end := func(s *invoke.Status, abandoned error) *invoke.Event {
		return &invoke.Event{Kind: invoke.Finished, At: atTime(time.Minute), Status: s, Abandoned: abandoned}
	}
	begin := `{"event":"request","ms":0.000,"url":"","protocol":"","http":"","codec":"","compression":"","metadata":{}}` + "\n"
	tests := []struct {
		name string
		o    Options
		end  *invoke.Event
		want string
	}{
		{"OK", Options{}, end(&invoke.Status{Origin: invoke.OriginServer}, nil), begin + `{"event":"status","ms":60000.000,"code":0,"name":"OK","message":"","origin":"server"}` + "\n"},
		{"a code with no name", Options{}, end(&invoke.Status{Code: 1010, Message: "m"}, nil), begin + `{"event":"status","ms":60000.000,"code":1010,"name":"CODE_1010","message":"m"}` + "\n"},
		{"bad requests", Options{}, end(&invoke.Status{Code: codes.Canceled}, errors.New("not JSON")), begin},
		{
			"labelled",
			Options{Label: &Label{Call: 3, Target: "b:1"}},
			end(&invoke.Status{}, nil),
			strings.Replace(begin, `0.000,`, `0.000,"call":3,"target":"b:1",`, 1) + `{"event":"status","ms":60000.000,"call":3,"target":"b:1","code":0,"name":"OK","message":""}` + "\n",
		},
		{
			"labelled by number",
			Options{Label: &Label{}},
			end(&invoke.Status{}, nil),
			strings.Replace(begin, `0.000,`, `0.000,"call":0,`, 1) + `{"event":"status","ms":60000.000,"call":0,"code":0,"name":"OK","message":""}` + "\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if d := cmp.Diff(test.want, printEvents(t, test.o, opened, test.end)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A very large message is a line like any other, and one that is broken at its end is not printed.
func TestEventsOfALargeMessage(t *testing.T) {
	m := message(t, dish(t), `name: "`+strings.Repeat("soup\\n", 1<<19)+`" price_cents: 3`)
	event := func(m *invoke.Message) *invoke.Event {
		return &invoke.Event{Kind: invoke.ResponseReceived, At: atTime(0), Message: m}
	}
	var line struct {
		Size    int
		Message struct {
			Name       string
			PriceCents string
		}
	}
	out := printEvents(t, Options{}, event(m))
	if err := json.Unmarshal([]byte(out), &line); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatal(err)
	}
	if line.Size != len(m.Wire) || line.Message.Name != strings.Repeat("soup\n", 1<<19) {
		t.Errorf("size %d, a name of %d bytes", line.Size, len(line.Message.Name))
	}
	broken := *m
	broken.Wire = append(append([]byte{}, m.Wire...), 0x0a, 0x7f)
	var b strings.Builder
	p, err := New(Events, &b, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Event(event(&broken)); err == nil || b.Len() > 0 {
		t.Errorf("%v, and %d bytes were printed", err, b.Len())
	}
}
