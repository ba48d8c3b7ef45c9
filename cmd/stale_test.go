package cmd_test

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/cmd"
)

// A changing server has a schema, and answers, that a test can change.
type changing struct {
	mu      sync.Mutex
	schema  string // a FileDescriptorProto in text form, of package a
	method  string // the one that is there
	answer  string // on the wire
	asked   atomic.Int64
	request atomic.Value // the last request, encoded
}

func (s *changing) set(schema, method, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.schema, s.method, s.answer = `name: "a.proto" package: "a" syntax: "proto3" `+schema, method, answer
}

// rawCodec hands the bytes of messages over as they are.
type rawCodec struct{ encoding.Codec }

func (rawCodec) Name() string { return "proto" }
func (rawCodec) Marshal(v any) ([]byte, error) {
	if m, ok := v.(proto.Message); ok {
		return proto.Marshal(m)
	}
	return *v.(*[]byte), nil
}

func (rawCodec) Unmarshal(data []byte, v any) error {
	if m, ok := v.(proto.Message); ok {
		return proto.Unmarshal(data, m)
	}
	*v.(*[]byte) = bytes.Clone(data)
	return nil
}

func (s *changing) serve(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	s.mu.Lock()
	there, answer, schema := "/"+s.method == method, s.answer, s.schema
	s.mu.Unlock()
	if strings.Contains(method, "reflection") {
		return s.reflect(stream, schema)
	}
	if !there {
		return status.Error(codes.Unimplemented, "unknown method")
	}
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	s.request.Store(string(request))
	reply := []byte(answer)
	return stream.SendMsg(&reply)
}

func (s *changing) reflect(stream grpc.ServerStream, schema string) error {
	fd := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(schema), fd); err != nil {
		return err
	}
	raw, err := proto.Marshal(fd)
	if err != nil {
		return err
	}
	for sent := false; ; {
		var req reflectpb.ServerReflectionRequest
		if err := stream.RecvMsg(&req); err != nil {
			return nil
		}
		s.asked.Add(1)
		reply := &reflectpb.ServerReflectionResponse{}
		if req.GetListServices() != "" {
			list := &reflectpb.ListServiceResponse{}
			for _, sd := range fd.Service {
				list.Service = append(list.Service, &reflectpb.ServiceResponse{Name: "a." + sd.GetName()})
			}
			reply.MessageResponse = &reflectpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: list}
		} else if symbol := req.GetFileContainingSymbol(); strings.HasPrefix(symbol, "a.") && strings.Contains(schema, `"`+symbol[2:]+`"`) {
			answer := &reflectpb.FileDescriptorResponse{}
			if !sent { // what was sent on a stream is not sent again
				answer.FileDescriptorProto, sent = [][]byte{raw}, true
			}
			reply.MessageResponse = &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: answer}
		} else {
			reply.MessageResponse = &reflectpb.ServerReflectionResponse_ErrorResponse{
				ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: "not found"},
			}
		}
		if err := stream.SendMsg(reply); err != nil {
			return err
		}
	}
}

// listen starts the server and returns its address.
func (s *changing) listen(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(grpc.UnknownServiceHandler(s.serve), grpc.ForceServerCodec(rawCodec{}))
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return l.Addr().String()
}

// ran is what a command left behind.
type ran struct {
	Code           int
	Stdout, Stderr string
}

// run runs a command line in this process.
func run(t *testing.T, cacheDir, stdin string, args ...string) ran {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code := cmd.Run(ctx, &cmd.Env{
		Stdin: strings.NewReader(stdin), Stdout: &stdout, Stderr: &stderr,
		Getenv:    func(string) string { return "" },
		LookupEnv: func(string) (string, bool) { return "", false },
		Now:       time.Now, InCall: new(atomic.Bool), CacheDir: cacheDir,
	}, args)
	return ran{code, stdout.String(), stderr.String()}
}

const (
	oldSchema = `message_type { name: "Q" field { name: "n" json_name: "n" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL } }
		message_type { name: "R" field { name: "s" json_name: "s" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
		service { name: "S" method { name: "M" input_type: ".a.Q" output_type: ".a.R" } }`
	newSchema = `message_type { name: "Q" field { name: "n" json_name: "n" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
			field { name: "more" json_name: "more" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL } }
		message_type { name: "R" field { name: "s" json_name: "s" number: 1 type: TYPE_BYTES label: LABEL_OPTIONAL }
			field { name: "t" json_name: "t" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL } }
		service { name: "S" method { name: "M" input_type: ".a.Q" output_type: ".a.R" } }`
	movedSchema = `message_type { name: "Q" } message_type { name: "R" field { name: "s" json_name: "s" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
		service { name: "S2" method { name: "M" input_type: ".a.Q" output_type: ".a.R" } }`
)

// A schema that has changed since it was remembered is noticed, and what a person
// sees is what they would have seen without a cache.
func TestStaleSchema(t *testing.T) {
	for _, tt := range []struct {
		name, schema, method, answer, stdin string
		args                                []string
		want                                ran
	}{
		{
			name: "a new field in the answer", schema: newSchema, method: "a.S/M", answer: "\x12\x03new",
			args: []string{"call", "a.S/M", "n=1"}, want: ran{Stdout: "{\n  \"t\": \"new\"\n}\n"},
		},
		{
			name: "an answer that does not decode", schema: newSchema, method: "a.S/M", answer: "\x0a\x02\xff\xfe",
			args: []string{"call", "a.S/M", "n=1", "-o", "ndjson"}, want: ran{Stdout: "{\"s\":\"//4=\"}\n"},
		},
		{
			name: "a new field in the request", schema: newSchema, method: "a.S/M", answer: "",
			args: []string{"call", "a.S/M", "more=7", "-o", "ndjson"}, want: ran{Stdout: "{}\n"},
		},
		{
			name: "a new field in standard input", schema: newSchema, method: "a.S/M", answer: "",
			stdin: `{"more": 7}`, args: []string{"call", "S.M", "-", "-o", "ndjson"}, want: ran{Stdout: "{}\n"},
		},
		{
			name: "a method that is gone", schema: movedSchema, method: "a.S2/M", answer: "",
			args: []string{"call", "a.S/M"},
			want: ran{Code: 2, Stderr: "rpcctl: a.S: no such service\nhint: did you mean a.S2? (rpcctl list)\n"},
		},
		{
			name: "a short name that leads elsewhere", schema: movedSchema, method: "a.S2/M", answer: "\x0a\x02hi",
			args: []string{"call", "M", "-o", "ndjson"}, want: ran{Stdout: "{\"s\":\"hi\"}\n"},
		},
		{
			name: "a short name that leads elsewhere, with standard input", schema: movedSchema, method: "a.S2/M", answer: "\x0a\x02hi", stdin: "{}",
			args: []string{"call", "M", "-", "-o", "ndjson"}, want: ran{Stdout: "{\"s\":\"hi\"}\n"},
		},
		{
			name: "a new field in a list of requests", schema: newSchema, method: "a.S/M", answer: "",
			stdin: `{"more": 7} {"more": 8}`, args: []string{"call", "S.M", "--each", "-", "-o", "ndjson"}, want: ran{Stdout: "{}\n{}\n"},
		},
		{
			name: "a short name that leads elsewhere, with a list of requests", schema: movedSchema, method: "a.S2/M", answer: "\x0a\x02hi",
			stdin: "{}", args: []string{"call", "M", "--each", "-", "-o", "ndjson"}, want: ran{Stdout: "{\"s\":\"hi\"}\n"},
		},
		{
			name: "a service that is new, in the same call again and again", schema: movedSchema, method: "a.S2/M", answer: "\x0a\x02hi",
			args: []string{"call", "S2.M", "--repeat", "2", "-o", "ndjson"}, want: ran{Stdout: "{\"s\":\"hi\"}\n{\"s\":\"hi\"}\n"},
		},
		{
			name: "a method that was never implemented", schema: oldSchema, method: "", answer: "",
			args: []string{"call", "a.S/M"}, want: ran{Code: 76, Stderr: "rpcctl: UNIMPLEMENTED (12): unknown method\n"},
		},
		{
			name: "a name that is wrong before and after", schema: newSchema, method: "a.S/M",
			args: []string{"call", "a.S/M", "mor=7"},
			want: ran{Code: 2, Stderr: "rpcctl: MESSAGE 1: no field \"mor\" in a.Q\n  mor=7\n  ~~~\nhint: did you mean more?\n"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := &changing{}
			s.set(oldSchema, "a.S/M", "\x0a\x03old")
			addr := s.listen(t)
			for _, first := range []string{"a.S/M", "M"} { // by both names that are used below
				if got := run(t, dir, "", "-a", addr, "call", first); got.Code != 0 {
					t.Fatalf("filling the cache: %+v", got)
				}
			}
			asked := s.asked.Load()
			if got := run(t, dir, "", "-a", addr, "call", "M", "n=5", "-o", "ndjson"); got.Stdout != "{\"s\":\"old\"}\n" || s.request.Load() != "\x08\x05" {
				t.Fatalf("from the cache: %+v, request %q", got, s.request.Load())
			}
			s.set(tt.schema, tt.method, tt.answer)
			got := run(t, dir, tt.stdin, append([]string{"-a", addr}, tt.args...)...)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if s.asked.Load() == asked {
				t.Error("the server was not asked again")
			}
			if diff := cmp.Diff(run(t, "", tt.stdin, append([]string{"-a", addr}, tt.args...)...), run(t, dir, tt.stdin, append([]string{"-a", addr}, tt.args...)...)); diff != "" {
				t.Errorf("without and with a cache: %s", diff)
			}
		})
	}
}
