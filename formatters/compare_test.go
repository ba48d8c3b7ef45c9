package formatters

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/rpcctl/rpcctl/formatters/internal/jq"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func answerOf(t *testing.T, m proto.Message) *invoke.Message {
	t.Helper()
	wire, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return &invoke.Message{Desc: m.ProtoReflect().Descriptor(), Wire: wire}
}

func TestComparison(t *testing.T) {
	stock := func(a, b int32) proto.Message { return &demov1.StockReply{Qty: map[string]int32{"a": a, "b": b}} }
	for _, tt := range []struct {
		name    string
		answers []proto.Message // nil: UNAVAILABLE
		same    bool
		want    string
	}{
		{"the same", []proto.Message{stock(1, 2), stock(1, 2)}, true, "" +
			"TARGET  STATUS  TIME  ANSWER\n" +
			"t0      OK       1ms  {\"qty\":{\"a\":1,\"b\":2}}\n" +
			"t1      OK       1ms  {\"qty\":{\"a\":1,\"b\":2}}\n"},
		{"a field", []proto.Message{stock(1, 2), stock(1, 3)}, false, "" +
			"TARGET  STATUS  TIME  qty.b\n" +
			"t0      OK       1ms  2\n" +
			"t1      OK       1ms  3\n"},
		{"one is down", []proto.Message{nil, &demov1.HelloReply{Message: "hi\x1b[31m"}}, false, "" +
			"TARGET  STATUS       TIME  ANSWER\n" +
			"t0      UNAVAILABLE   1ms\n" +
			"t1      OK            1ms  {\"message\":\"hi\\u001b[31m\"}\n"},
		{"none", nil, true, "TARGET  STATUS  TIME  ANSWER\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := NewComparison(Options{})
			for i, m := range tt.answers {
				s := &invoke.Status{}
				if m == nil {
					s.Code = codes.Unavailable
				} else if a := answerOf(t, m); true {
					// The entries of a map come in any order.
					if err := c.Answer(i, a); err != nil {
						t.Fatal(err)
					}
				}
				c.End(i, "t"+string(rune('0'+i)), s, time.Millisecond)
			}
			var b bytes.Buffer
			if err := c.Write(&b); err != nil {
				t.Fatal(err)
			}
			got := b.String()
			if tt.name == "the same" { // whose map is printed in the order of the wire
				got = string(bytes.ReplaceAll([]byte(got), []byte(`{"b":2,"a":1}`), []byte(`{"a":1,"b":2}`)))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if c.Same() != tt.same {
				t.Errorf("same: %v", c.Same())
			}
		})
	}
}

func TestExchange(t *testing.T) {
	at := time.Unix(0, 0)
	method := demov1.File_rpcctl_demo_v1_greeter_proto.Services().ByName("Greeter").Methods()
	call := &invoke.Call{Method: method.ByName("SayHello")}
	filter, err := jq.Parse(".response.message, .ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		format   Format
		requests bool
		method   string
		filter   *Filter
		target   string
		want     string
	}{
		{"with the request", NDJSON, true, "SayHello", nil, "", `{"index":7,"request":{"name":"Bo"},"response":{"message":"a\"[{,:}"},"status":{"code":0,"name":"OK"},"ms":1.500}` + "\n"},
		{"of a target", NDJSON, false, "SayHello", nil, "h:1", `{"index":7,"target":"h:1","response":{"message":"a\"[{,:}"},"status":{"code":0,"name":"OK"},"ms":1.500}` + "\n"},
		{"of a stream", NDJSON, false, "StreamGreetings", nil, "", `{"index":7,"seq":0,"response":{"message":"a\"[{,:}"},"ms":1.500}` + "\n" + `{"index":7,"status":{"code":0,"name":"OK"},"ms":1.500}` + "\n"},
		{"filtered", NDJSON, false, "SayHello", filter, "", "\"a\\\"[{,:}\"\n1.500\n"},
		{"indented", JSON, true, "SayHello", nil, "", "{\n  \"index\": 7,\n  \"request\": {\n    \"name\": \"Bo\"\n  },\n  \"response\": {\n    \"message\": \"a\\\"[{,:}\"\n  },\n  \"status\": {\n    \"code\": 0,\n    \"name\": \"OK\"\n  },\n  \"ms\": 1.500\n}\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			f, err := NewExchange(tt.format, &b, tt.requests, Options{Label: &Label{Call: 7, Target: tt.target}, Filter: tt.filter})
			if err != nil {
				t.Fatal(err)
			}
			call := *call
			if call.Method = method.ByName("SayHello"); tt.method != "SayHello" {
				call.Method = method.ByName("StreamGreetings")
			}
			end := at.Add(1500 * time.Microsecond)
			for _, e := range []*invoke.Event{
				{Kind: invoke.Opened, At: at, Call: &call},
				{Kind: invoke.RequestSent, At: at, Call: &call, Message: answerOf(t, &demov1.HelloRequest{Name: "Bo"})},
				{Kind: invoke.ResponseReceived, At: end, Call: &call, Message: answerOf(t, &demov1.HelloReply{Message: `a"[{,:}`})},
				{Kind: invoke.Finished, At: end, Call: &call, Status: &invoke.Status{}},
			} {
				if err := f.Event(e); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := NewExchange(Table, new(bytes.Buffer), true, Options{}); err == nil {
		t.Error("a table took requests")
	}
}

// What is kept of the answers is bounded, however many targets there are, and whether they are
// equal is known for all.
func TestComparisonIsBounded(t *testing.T) {
	many := &demov1.StockReply{Qty: map[string]int32{}}
	for i := range 30_000 {
		many.Qty[fmt.Sprintf("item-%d", i)] = int32(i)
	}
	c := NewComparison(Options{})
	kept := func() (n int) {
		for _, r := range c.rows {
			n += len(r.text)
			for path, value := range r.fields {
				n += len(path) + len(value) + leafBytes
			}
		}
		return n
	}
	const targets = 10
	for i := range targets {
		if i == targets-1 {
			many.Qty["item-0"] = 1
		}
		if err := c.Answer(i, answerOf(t, many)); err != nil {
			t.Fatal(err)
		}
		c.End(i, fmt.Sprint(i), &invoke.Status{}, time.Millisecond)
		if same := i < targets-1; c.Same() != same {
			t.Fatalf("%d targets: the same %v", i+1, c.Same())
		}
	}
	if fields := c.Differing(); len(fields) > 0 {
		t.Errorf("these differ: %.5q", fields)
	}
	if n := kept(); n > compareTotal {
		t.Errorf("%d bytes are kept", n)
	}
	if err := c.Write(io.Discard); err != nil {
		t.Error(err)
	}
}

// An answer for which there is no room is shown by its beginning, with a note; and dropped
// answers make room for others.
func TestComparisonTellsWhatIsNotKept(t *testing.T) {
	c := NewComparison(Options{})
	const targets = 40
	add := func(i int, m proto.Message) {
		if err := c.Answer(i, answerOf(t, m)); err != nil {
			t.Fatal(err)
		}
		c.End(i, fmt.Sprint("t", i), &invoke.Status{}, time.Millisecond)
	}
	for i := range targets {
		add(i, &demov1.HelloReply{Message: strings.Repeat("a", 700_000)})
	}
	add(targets, &demov1.HelloReply{Message: strings.Repeat("b", compareBytes)}) // too long to be looked into
	add(targets+1, &demov1.HelloReply{Message: "short"})
	var whole, cut int
	for i, r := range c.rows[:targets] {
		switch cell := r.cell(); {
		case strings.HasSuffix(cell, `aaa"}`):
			whole++
		case strings.HasPrefix(cell, `{"message":"aaa`) && strings.HasSuffix(cell, "aaa… (the rest is not kept)") && len(cell) < 2*shortBytes:
			cut++
		default:
			t.Errorf("target %d has %.50q", i, cell)
		}
	}
	if whole < 10 || cut == 0 {
		t.Errorf("%d answers are whole, %d are not", whole, cut)
	}
	if cell := c.rows[targets].cell(); !strings.HasPrefix(cell, `{"message":"bbb`) || !strings.HasSuffix(cell, "bbb… (the rest is not kept)") {
		t.Errorf("a long answer is %.50q", cell)
	}
	if cell := c.rows[targets+1].cell(); cell != `{"message":"short"}` {
		t.Errorf("a short answer behind long ones is %.50q", cell)
	}
	if got := c.rows[targets].field("message"); got != notKept {
		t.Errorf("the field of an answer that is not kept is %q", got)
	}
}
