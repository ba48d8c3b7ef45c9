package formatters

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
)

// Painted text is, byte for byte, what it was.
func TestColors(t *testing.T) {
	detail, err := anypb.New(&errdetails.ErrorInfo{Reason: "SOLD_OUT", Domain: "kitchen"})
	if err != nil {
		t.Fatal(err)
	}
	status := &invoke.Status{Code: codes.NotFound, Message: "no soup", Details: []*anypb.Any{detail}}
	soup := message(t, dish(t), `name: "so\"up" price_cents: 5 tags: ["a", "b"] side { pieces: 1 } heat: HEAT_HOT`)
	comparison := func(b *bytes.Buffer, o Options) error {
		c := NewComparison(o)
		if err := c.Answer(0, soup); err != nil {
			return err
		}
		c.End(0, "here:1", &invoke.Status{}, time.Millisecond)
		return c.Write(b)
	}
	verbose := func(b *bytes.Buffer, o Options) error {
		v := Verbose(b, 1, o)
		for _, e := range []*invoke.Event{
			{Kind: invoke.HeadersReceived, Metadata: invoke.Metadata{"served-by": {"cook"}}},
			{Kind: invoke.Finished, Status: &invoke.Status{}},
			{Kind: invoke.Finished, Status: status},
		} {
			if err := v.Event(e); err != nil {
				return err
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		print func(b *bytes.Buffer, o Options) error
		want  string
	}{
		"comparison":        {comparison, "\x1b[1mTARGET  STATUS  TIME  ANSWER\x1b[0m\nhere:1  OK       1ms  {\"name\":\"so\\\"up\",\"priceCents\":\"5\",\"heat\":\"HEAT_HOT\",\"side\":{\"pieces\":1},\"tags\":[\"a\",\"b\"]}\n"},
		"verbose":           {verbose, "\nResponse headers received:\n\x1b[36mserved-by\x1b[0m: cook\n\nResponse trailers received:\n(empty)\nSent 0 requests and received 0 responses (0 bytes out, 0 bytes in, 0.000 ms, \x1b[32mOK\x1b[0m)\n\nResponse trailers received:\n(empty)\nSent 0 requests and received 0 responses (0 bytes out, 0 bytes in, 0.000 ms, \x1b[31mNOT_FOUND\x1b[0m)\n"},
		"status":            {func(b *bytes.Buffer, o Options) error { return WriteStatus(b, status, o) }, "\x1b[31mNOT_FOUND (5)\x1b[0m: no soup\n  \x1b[1mErrorInfo\x1b[0m\n    SOLD_OUT (kitchen)\n"},
		"status, JSON":      {func(b *bytes.Buffer, o Options) error { return WriteErrorJSON(b, status, o) }, "{\n  \x1b[36m\"code\"\x1b[0m: \x1b[33m5\x1b[0m,\n  \x1b[36m\"message\"\x1b[0m: \x1b[32m\"no soup\"\x1b[0m,\n  \x1b[36m\"details\"\x1b[0m: [\n    {\n      \x1b[36m\"@type\"\x1b[0m: \x1b[32m\"type.googleapis.com/google.rpc.ErrorInfo\"\x1b[0m,\n      \x1b[36m\"reason\"\x1b[0m: \x1b[32m\"SOLD_OUT\"\x1b[0m,\n      \x1b[36m\"domain\"\x1b[0m: \x1b[32m\"kitchen\"\x1b[0m\n    }\n  ]\n}\n"},
		"status, text":      {func(b *bytes.Buffer, o Options) error { return WriteErrorText(b, status, o) }, "\x1b[36mcode\x1b[0m: \x1b[33m5\x1b[0m\n\x1b[36mmessage\x1b[0m: \x1b[32m\"no soup\"\x1b[0m\n\x1b[36mdetails\x1b[0m: {\n  \x1b[36m[type.googleapis.com/google.rpc.ErrorInfo]\x1b[0m: {\n    \x1b[36mreason\x1b[0m: \x1b[32m\"SOLD_OUT\"\x1b[0m\n    \x1b[36mdomain\x1b[0m: \x1b[32m\"kitchen\"\x1b[0m\n  }\n}\n"},
		"descriptor, field": {func(b *bytes.Buffer, o Options) error { return WriteDescriptor(b, dish(t).Fields().ByName("name"), o) }, "\x1b[1mkitchen.v1.Dish.name\x1b[0m is a field:\n\x1b[90m// Its name, as on the menu.\x1b[0m\n\x1b[36mstring\x1b[0m name = \x1b[33m1\x1b[0m;\n"},
		"descriptor, oneof": {func(b *bytes.Buffer, o Options) error {
			return WriteDescriptor(b, dish(t).Oneofs().ByName("payment"), o)
		}, "\x1b[1mkitchen.v1.Dish.payment\x1b[0m is a oneof:\n\x1b[35moneof\x1b[0m payment {\n  \x1b[36mstring\x1b[0m card = \x1b[33m25\x1b[0m;\n  \x1b[36mbytes\x1b[0m cash = \x1b[33m26\x1b[0m;\n}\n"},
	} {
		var b bytes.Buffer
		if err := c.print(&b, Options{Color: true}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%s: %q\n%s", name, b.String(), diff)
		}
	}
	for format, want := range map[Format]string{
		JSON:   "{\n  \x1b[36m\"name\"\x1b[0m: \x1b[32m\"so\\\"up\"\x1b[0m,\n  \x1b[36m\"priceCents\"\x1b[0m: \x1b[32m\"5\"\x1b[0m,\n  \x1b[36m\"heat\"\x1b[0m: \x1b[32m\"HEAT_HOT\"\x1b[0m,\n  \x1b[36m\"side\"\x1b[0m: {\n    \x1b[36m\"pieces\"\x1b[0m: \x1b[33m1\x1b[0m\n  },\n  \x1b[36m\"tags\"\x1b[0m: [\n    \x1b[32m\"a\"\x1b[0m,\n    \x1b[32m\"b\"\x1b[0m\n  ]\n}\n",
		NDJSON: "{\x1b[36m\"name\"\x1b[0m:\x1b[32m\"so\\\"up\"\x1b[0m,\x1b[36m\"priceCents\"\x1b[0m:\x1b[32m\"5\"\x1b[0m,\x1b[36m\"heat\"\x1b[0m:\x1b[32m\"HEAT_HOT\"\x1b[0m,\x1b[36m\"side\"\x1b[0m:{\x1b[36m\"pieces\"\x1b[0m:\x1b[33m1\x1b[0m},\x1b[36m\"tags\"\x1b[0m:[\x1b[32m\"a\"\x1b[0m,\x1b[32m\"b\"\x1b[0m]}\n",
		YAML:   "\x1b[36mname\x1b[0m: \x1b[32m\"so\\\"up\"\x1b[0m\n\x1b[36mpriceCents\x1b[0m: \x1b[32m\"5\"\x1b[0m\n\x1b[36mheat\x1b[0m: \x1b[32mHEAT_HOT\x1b[0m\n\x1b[36mside\x1b[0m:\n  \x1b[36mpieces\x1b[0m: \x1b[33m1\x1b[0m\n\x1b[36mtags\x1b[0m:\n  - \x1b[32ma\x1b[0m\n  - \x1b[32mb\x1b[0m\n",
		Text:   "\x1b[36mname\x1b[0m: \x1b[32m\"so\\\"up\"\x1b[0m\n\x1b[36mprice_cents\x1b[0m: \x1b[33m5\x1b[0m\n\x1b[36mheat\x1b[0m: \x1b[35mHEAT_HOT\x1b[0m\n\x1b[36mside\x1b[0m: {\n  \x1b[36mpieces\x1b[0m: \x1b[33m1\x1b[0m\n}\n\x1b[36mtags\x1b[0m: \x1b[32m\"a\"\x1b[0m\n\x1b[36mtags\x1b[0m: \x1b[32m\"b\"\x1b[0m\n",
		Table:  "\x1b[1mname   priceCents  heat      side          tags\x1b[0m\nso\"up           5  HEAT_HOT  {\"pieces\":1}  [\"a\",\"b\"]\n",
	} {
		var b bytes.Buffer
		f, err := New(format, &b, Options{Color: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Event(response(soup, 0)); err != nil {
			t.Fatal(err)
		}
		if err := f.Flush(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.String()); diff != "" {
			t.Errorf("%s: %q\n%s", format, b.String(), diff)
		}
	}
}
