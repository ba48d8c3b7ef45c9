package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// perform makes the call that a request asks for and reports it.
func (s *schema) perform(ctx context.Context, o options, dir string, m proto.Message) proto.Message {
	r, err := s.parse(m)
	if err != nil {
		return s.failure(r, err)
	}
	own, err := os.MkdirTemp(dir, "call-")
	if err != nil {
		return s.failure(r, err)
	}
	defer os.RemoveAll(own)
	args, err := r.arguments(s.protoset, own, o.withoutProtocol)
	if err != nil {
		return s.failure(r, err)
	}
	d, err := drive(ctx, o.rpcctl, args, r)
	if err == nil {
		err = check(d)
	}
	if err != nil {
		return s.failure(r, fmt.Errorf("%w; %q; stderr: %s", err, args, d.stderr.String()))
	}
	answer, err := s.answer(r, d.events)
	if err != nil {
		return s.failure(r, err)
	}
	return answer
}

// check holds rpcctl to what it promises of its events and its exit status.
func check(d *driver) error {
	n := len(d.events)
	if n == 0 || d.events[0].Event != "request" || d.events[n-1].Event != "status" || d.events[n-1].Code == nil {
		return errors.New("the events do not go from request to status")
	}
	if !slices.IsSortedFunc(d.events, func(a, b event) int { return cmp.Compare(a.Ms, b.Ms) }) {
		return errors.New("time went backwards")
	}
	counts := map[string]int{}
	for _, e := range d.events {
		if (e.Event == "sent" || e.Event == "message") && e.Index != counts[e.Event] {
			return fmt.Errorf("%s %d has the index %d", e.Event, counts[e.Event], e.Index)
		}
		counts[e.Event]++
	}
	for _, once := range []string{"request", "half-close", "headers", "trailers", "status"} {
		if counts[once] > 1 {
			return fmt.Errorf("%d times %s", counts[once], once)
		}
	}
	want := 0
	if code := *d.events[n-1].Code; code != 0 {
		want = 64 + code
	}
	if got := d.cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("exit status %d, want %d", got, want)
	}
	return nil
}

// A result is the suite's ClientCompatResponse, as JSON.
type result struct {
	TestName string    `json:"testName"`
	Response *response `json:"response,omitempty"`
	Error    *fault    `json:"error,omitempty"`
}

type fault struct {
	Message string `json:"message"`
}

type response struct {
	ResponseHeaders   []header          `json:"responseHeaders"`
	Payloads          []json.RawMessage `json:"payloads"`
	Error             *rpcError         `json:"error,omitempty"`
	ResponseTrailers  []header          `json:"responseTrailers"`
	NumUnsentRequests int               `json:"numUnsentRequests"`
}

type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// answer reports the events of a call.
func (s *schema) answer(r *request, events []event) (proto.Message, error) {
	out := &response{NumUnsentRequests: len(r.RequestMessages)}
	var last event
	for _, e := range events {
		switch e.Event {
		case "sent":
			out.NumUnsentRequests--
		case "headers":
			out.ResponseHeaders = headers(e.Metadata)
		case "trailers":
			out.ResponseTrailers = headers(e.Metadata)
		case "message":
			var m struct {
				Payload json.RawMessage `json:"payload"`
			}
			if err := json.Unmarshal(e.Message, &m); err != nil {
				return nil, err
			}
			if m.Payload == nil {
				m.Payload = json.RawMessage("{}")
			}
			out.Payloads = append(out.Payloads, m.Payload)
		case "status":
			last = e
		}
	}
	if *last.Code != 0 {
		out.Error = &rpcError{Code: *last.Code}
		if err := json.Unmarshal(last.Message, &out.Error.Message); err != nil {
			return nil, err
		}
	}
	m, err := s.encode(result{TestName: r.TestName, Response: out})
	if err != nil || len(last.Details) == 0 {
		return m, err
	}
	s.attach(m, last)
	return m, nil
}

// attach adds the details of an error. Their bytes may be of no type that the suite's
// schema has, so they do not go through JSON.
func (s *schema) attach(m *dynamicpb.Message, status event) {
	field := func(m *dynamicpb.Message, name string) *dynamicpb.Message {
		fd := m.Descriptor().Fields().ByTextName(name)
		return m.Mutable(fd).Message().Interface().(*dynamicpb.Message)
	}
	e := field(field(m, "response"), "error")
	list := e.Mutable(e.Descriptor().Fields().ByTextName("details")).List()
	for _, d := range status.Details {
		any := list.AppendMutable().Message()
		fields := any.Descriptor().Fields()
		any.Set(fields.ByTextName("type_url"), protoreflect.ValueOfString("type.googleapis.com/"+d.Type))
		any.Set(fields.ByTextName("value"), protoreflect.ValueOfBytes(d.Value))
	}
}

func headers(md map[string][]string) []header {
	var all []header
	for name, values := range md {
		all = append(all, header{Name: name, Value: values})
	}
	return all
}

func (s *schema) encode(r result) (*dynamicpb.Message, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	m := dynamicpb.NewMessage(s.response)
	return m, protojson.UnmarshalOptions{Resolver: s.types}.Unmarshal(b, m)
}

// failure reports that there was no call.
func (s *schema) failure(r *request, err error) proto.Message {
	m, eerr := s.encode(result{TestName: r.TestName, Error: &fault{Message: err.Error()}})
	if eerr != nil {
		panic(eerr) // two strings
	}
	return m
}
