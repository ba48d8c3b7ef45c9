package formatters

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/invoke"
)

// everyDetail has a detail of each kind of google.rpc, one of another known type,
// and some that cannot be read.
func everyDetail(t testing.TB) []*anypb.Any {
	violations := []*errdetails.BadRequest_FieldViolation{
		{Field: "order_id", Description: "must exist"},
		{Field: "qty", Description: "too many", Reason: "TOO_MANY", LocalizedMessage: &errdetails.LocalizedMessage{Locale: "de", Message: "zu viele"}},
	}
	var details []*anypb.Any
	for _, m := range []proto.Message{
		&errdetails.BadRequest{FieldViolations: violations},
		&errdetails.ErrorInfo{Reason: "STOCK", Domain: "shop.example", Metadata: map[string]string{"sku": "a-1", "left": "0"}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.DebugInfo{Detail: "nil pointer", StackEntries: []string{"main.go:1", "shop.go:2\nhint: lies"}},
		&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{
			Subject: "clientip:1.2.3.4", Description: "too often", ApiService: "shop", QuotaMetric: "calls", QuotaId: "per-minute",
			QuotaDimensions: map[string]string{"region": "eu"}, QuotaValue: 10, FutureQuotaValue: proto.Int64(20),
		}}},
		&errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{{Type: "TOS", Subject: "shop.example", Description: "not accepted"}}},
		&errdetails.RequestInfo{RequestId: "r-1", ServingData: "node 3"},
		&errdetails.ResourceInfo{ResourceType: "order", ResourceName: "17", Owner: "ann", Description: "gone"},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "Orders", Url: "https://shop.example/help"}}},
		&errdetails.LocalizedMessage{Locale: "de", Message: "keine Bestellung"},
	} {
		details = append(details, detail(t, m))
	}
	return append(
		details,
		&anypb.Any{TypeUrl: "type.googleapis.com/kitchen.v1.Dish", Value: message(t, dish(t), `name: "soup\u009b" price_cents: 3`).Wire},
		&anypb.Any{TypeUrl: "type.googleapis.com/kitchen.v1.Unheard", Value: []byte("abc")},
		&anypb.Any{TypeUrl: "type.googleapis.com/kitchen.v1.Long\x1b", Value: make([]byte, 5000)},
		&anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.BadRequest", Value: []byte{0x0a, 0x7f}},
		&anypb.Any{Value: []byte("x")},
	)
}

func TestWriteStatus(t *testing.T) {
	types := dynamicpb.NewTypes(kitchen(t))
	tests := []struct {
		name string
		s    *invoke.Status
		o    Options
	}{
		{"status-bare", &invoke.Status{Code: codes.Unavailable}, Options{}},
		{"status-lines", &invoke.Status{Code: 1010, Message: "first\nhint: lies\x1b[2J\n"}, Options{}},
		{"status-details", &invoke.Status{Code: codes.NotFound, Message: `no order "17"`, Details: everyDetail(t)}, Options{Types: types}},
		{"status-color", &invoke.Status{Code: codes.NotFound, Message: `no order "17"`, Details: everyDetail(t)[:1]}, Options{Color: true}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			if err := WriteStatus(&b, test.s, test.o); err != nil {
				t.Fatal(err)
			}
			harmless(t, "status", uncolored(b.String()))
			golden(t, test.name, b.String())
		})
	}
}

func TestWriteErrorJSON(t *testing.T) {
	types := dynamicpb.NewTypes(kitchen(t))
	all := everyDetail(t)
	var b strings.Builder
	s := &invoke.Status{Code: codes.NotFound, Message: "no order\n\x1b", Details: []*anypb.Any{all[0], all[2], all[10]}}
	if err := WriteErrorJSON(&b, s, Options{Types: types}); err != nil {
		t.Fatal(err)
	}
	golden(t, "error-json", b.String())
	if !strings.HasPrefix(b.String(), "{\n  \"code\": 5,\n") {
		t.Errorf("got %s", b.String())
	}

	b.Reset()
	if err := WriteErrorJSON(&b, &invoke.Status{Code: 1010}, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"code\": 1010\n}\n"; b.String() != want {
		t.Errorf("got %s, want %s", b.String(), want)
	}
}

func TestWriteErrorJSONUnreadableDetails(t *testing.T) {
	all := everyDetail(t)
	var b strings.Builder
	s := &invoke.Status{Code: codes.NotFound, Details: []*anypb.Any{all[11], all[13], all[2]}}
	if err := WriteErrorJSON(&b, s, Options{}); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"code": 5.0, "details": []any{
		map[string]any{"@type": "type.googleapis.com/kitchen.v1.Unheard", "value": "YWJj", "unresolved": true},
		map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest", "value": "Cn8=", "unresolved": true},
		map[string]any{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.500s"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range Formats() {
		if got, err := ParseFormat(string(f)); got != f || err != nil {
			t.Errorf("%s: got %q, %v", f, got, err)
		}
	}
	for given, nearest := range map[string]Format{"jsno": JSON, "JSON": JSON, "ndjsn": NDJSON, "event": Events, "protobuf": "", "": ""} {
		_, err := ParseFormat(given)
		e, ok := err.(*UnknownFormatError)
		if !ok || e.Nearest != nearest || e.Text != given {
			t.Errorf("%q: got %#v, want nearest %q", given, err, nearest)
		}
	}
}

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
	if err := f.Event(&invoke.Event{Kind: invoke.Finished, At: atTime(0), Status: s}); err != nil {
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
