package httpwire_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/httpwire"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func frame(flags byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(text))), text...)
}

// What is too large or wrong in the end of a call does not hide the status in it, and the
// limit is said to be ours.
func TestStatusBesideWhatIsWrong(t *testing.T) {
	const beyond = invoke.MaxHeaders + 1<<20
	long := strings.Repeat("m", beyond)
	stream := invoke.Method{Path: lab + "Count", ServerStreams: true}
	unary := invoke.Method{Path: hello}
	for name, test := range map[string]struct {
		protocol string
		method   invoke.Method
		status   int
		header   map[string]string
		body     []byte
		code     codes.Code
		message  string
		limit    bool
	}{
		"web, message": {
			httpwire.GRPCWeb, unary, 200, nil, frame(0x80, "grpc-status: 5\r\ngrpc-message: "+long+"\r\n"),
			codes.NotFound, long[:invoke.MaxHeaders-len("grpc-status: 5\r\ngrpc-message: ")], true,
		},
		"web, trailer":                {httpwire.GRPCWeb, unary, 200, nil, frame(0x80, "grpc-status: 5\r\ngrpc-message: short\r\nx: "+long+"\r\n"), codes.NotFound, "short", true},
		"web, trailer without status": {httpwire.GRPCWeb, unary, 200, nil, frame(0x80, "x: "+long+"\r\n"), codes.ResourceExhausted, "", true},
		"web, many":                   {httpwire.GRPCWeb, unary, 200, nil, frame(0x80, "grpc-status: 5\r\ngrpc-message: short\r\n"+strings.Repeat("x: y\r\n", 100_000)), codes.NotFound, "short", true},
		"web, details":                {httpwire.GRPCWeb, unary, 200, nil, frame(0x80, "grpc-status: 5\r\ngrpc-message: short\r\ngrpc-status-details-bin: %\r\n"), codes.NotFound, "short", false},
		"web, trailers only": {
			httpwire.GRPCWeb, unary, 200,
			map[string]string{"grpc-status": "5", "grpc-message": "short", "grpc-status-details-bin": "%"},
			nil,
			codes.NotFound, "short", false,
		},
		"web, header":     {httpwire.GRPCWeb, unary, 200, map[string]string{"x": long}, nil, codes.ResourceExhausted, "", true},
		"connect, header": {httpwire.Connect, unary, 200, map[string]string{"x": long}, nil, codes.ResourceExhausted, "", true},
		"connect, detail": {
			httpwire.Connect, unary, 404, nil, []byte(`{"code":"aborted","message":"short","details":[{"type":"a.B","value":"%"}]}`),
			codes.Aborted, "short", false,
		},
		"connect stream, detail": {
			httpwire.Connect, stream, 200, nil, frame(2, `{"error":{"code":"aborted","message":"short","details":[{"type":"a.B","value":"%"}]}}`),
			codes.Aborted, "short", false,
		},
		"connect stream, metadata": {
			httpwire.Connect, stream, 200, nil, frame(2, `{"error":{"code":"aborted","message":"short"},"metadata":{"x":["y"],"z":["`+long+`"]}}`),
			codes.Aborted, "short", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, version := range []string{connect.VersionHTTP1, connect.VersionHTTP2} {
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("content-type", r.Header.Get("content-type"))
					if test.status != 200 {
						w.Header().Set("content-type", "application/json")
					}
					for k, v := range test.header {
						w.Header().Set(k, v)
					}
					w.WriteHeader(test.status)
					_, _ = w.Write(test.body)
				}))
				server.Config.Protocols = new(http.Protocols)
				server.Config.Protocols.SetHTTP1(true)
				server.Config.Protocols.SetUnencryptedHTTP2(true)
				server.Start()
				r := call(t.Context(), t, dial(t, server.URL, httpwire.Options{Protocol: test.protocol, HTTP: version}), test.method, nil, &demov1.HelloRequest{})
				server.Close()
				s := r.status
				if s.Code != test.code || test.message != "" && s.Message != test.message || errors.As(s.Cause, new(*invoke.LimitError)) != test.limit {
					t.Errorf("HTTP/%s: %s", version, fmt.Sprintf("%v: %.100s (%d bytes), from the %s, because of %v", s.Code, s.Message, len(s.Message), s.Origin, s.Cause))
				}
			}
		})
	}
}

// A stream in Connect whose last frame cannot be read has failed; what can be read of an error
// counts all the same.
func TestEndOfAStreamThatCannotBeRead(t *testing.T) {
	const noJSON = "is not valid JSON"
	for end, test := range map[string]struct {
		code    codes.Code
		message string
	}{
		"":                                  {codes.Internal, noJSON},
		"garbage":                           {codes.Internal, noJSON},
		"null":                              {codes.Internal, "is no JSON object"},
		"[]":                                {codes.Internal, "is no JSON object"},
		"{":                                 {codes.Internal, noJSON},
		`{"e`:                               {codes.Internal, noJSON},
		`{"error":`:                         {codes.Internal, noJSON},
		`{"error":null`:                     {codes.Internal, noJSON},
		`{"metadata":{"a":[[[`:              {codes.Internal, noJSON},
		`{} x`:                              {codes.Internal, noJSON},
		`{"error":"boom"}`:                  {codes.Unknown, `"boom"`},
		`{"error":["boom"]}`:                {codes.Unknown, `["boom"]`},
		`{"error":7}`:                       {codes.Unknown, "7"},
		`{"error":false}`:                   {codes.Unknown, "false"},
		`{"error":{}}`:                      {codes.Unknown, ""},
		`{"error":{"code":"aborted"`:        {codes.Aborted, ""},
		`{"error":{"code":"aborted"}} x`:    {codes.Aborted, ""},
		`{"error":{"code":"aborted"},"a":}`: {codes.Aborted, ""},
		`{"error":null}`:                    {codes.OK, ""},
		` {"metadata" : {}, "x":1} `:        {codes.OK, ""},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("content-type", r.Header.Get("content-type"))
			_, _ = w.Write(frame(2, end))
		}))
		stream := invoke.Method{Path: lab + "Count", ServerStreams: true}
		s := call(t.Context(), t, dial(t, server.URL, httpwire.Options{Protocol: httpwire.Connect, HTTP: connect.VersionHTTP1}), stream, nil, &demov1.HelloRequest{}).status
		server.Close()
		if s.Code != test.code || !strings.Contains(s.Message, test.message) {
			t.Errorf("%q ended in %v: %s", end, s.Code, s.Message)
		}
	}
}
