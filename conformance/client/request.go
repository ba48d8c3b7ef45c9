package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// A request is what the suite asks for. The suite's messages have no Go types that
// may be imported, so it is read from their JSON, which is the same as rpcctl's.
type request struct {
	TestName            string            `json:"testName"`
	HTTPVersion         string            `json:"httpVersion"`
	Protocol            string            `json:"protocol"`
	Codec               string            `json:"codec"`
	Compression         string            `json:"compression"`
	Host                string            `json:"host"`
	Port                int               `json:"port"`
	ServerTLSCert       []byte            `json:"serverTlsCert"`
	ClientTLSCreds      *credentials      `json:"clientTlsCreds"`
	MessageReceiveLimit int               `json:"messageReceiveLimit"`
	Service             string            `json:"service"`
	Method              string            `json:"method"`
	StreamType          string            `json:"streamType"`
	UseGet              bool              `json:"useGetHttpMethod"`
	RequestHeaders      []header          `json:"requestHeaders"`
	RequestMessages     []json.RawMessage `json:"requestMessages"`
	TimeoutMs           *int              `json:"timeoutMs"`
	RequestDelayMs      int               `json:"requestDelayMs"`
	Cancel              *cancel           `json:"cancel"`
	RawRequest          json.RawMessage   `json:"rawRequest"`
}

type credentials struct {
	Cert []byte `json:"cert"`
	Key  []byte `json:"key"`
}

type header struct {
	Name  string   `json:"name"`
	Value []string `json:"value"`
}

// cancel says when to cancel; one of its fields is set.
type cancel struct {
	BeforeCloseSend   *struct{} `json:"beforeCloseSend"`
	AfterCloseSendMs  *int      `json:"afterCloseSendMs"`
	AfterNumResponses *int      `json:"afterNumResponses"`
}

// fullDuplex is the stream whose requests and responses take turns.
const fullDuplex = "STREAM_TYPE_FULL_DUPLEX_BIDI_STREAM"

// parse reads a request. What it returns with an error has no more than the name.
func (s *schema) parse(m proto.Message) (*request, error) {
	r := &request{}
	b, err := protojson.MarshalOptions{Resolver: s.types}.Marshal(m)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(b, r); err != nil {
		return r, err
	}
	if r.RawRequest != nil {
		return r, errors.New("a raw request is for the reference client")
	}
	return r, nil
}

// messages are the requests as rpcctl reads them, a line each. The suite wraps them
// in an Any, whose type the method knows.
func (r *request) messages() ([][]byte, error) {
	var lines [][]byte
	for _, raw := range r.RequestMessages {
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &fields); err != nil {
			return nil, err
		}
		delete(fields, "@type")
		line, err := json.Marshal(fields)
		if err != nil {
			return nil, err
		}
		lines = append(lines, append(bytes.TrimSpace(line), '\n'))
	}
	return lines, nil
}

// arguments is the command line of the call. Files are written to dir.
func (r *request) arguments(protoset, dir string, withoutProtocol bool) ([]string, error) {
	scheme := "http"
	if len(r.ServerTLSCert) > 0 {
		scheme = "https"
	}
	args := []string{
		"call", r.Service + "/" + r.Method, "-a", fmt.Sprintf("%s://%s:%d", scheme, r.Host, r.Port),
		"-o", "events", "-d", "@-", "--protoset", protoset,
		"--codec", word(r.Codec, "CODEC_"),
	}
	if protocol := word(r.Protocol, "PROTOCOL_"); protocol != "grpc" || !withoutProtocol {
		args = append(args, "--protocol", protocol)
	}
	if v, ok := map[string]string{
		"HTTP_VERSION_1": "1.1", "HTTP_VERSION_2": "2",
		"HTTP_VERSION_3": "3",
	}[r.HTTPVersion]; ok {
		args = append(args, "--http", v)
	}
	if c := word(r.Compression, "COMPRESSION_"); c != "" {
		args = append(args, "--compress", c)
	}
	for _, h := range r.RequestHeaders {
		for _, v := range h.Value {
			args = append(args, "-H", h.Name+": "+v)
		}
	}
	if r.TimeoutMs != nil {
		args = append(args, "--timeout", (time.Duration(*r.TimeoutMs) * time.Millisecond).String())
	}
	if r.MessageReceiveLimit > 0 {
		args = append(args, "--max-recv-size", strconv.Itoa(r.MessageReceiveLimit))
	}
	if r.UseGet {
		args = append(args, "--get")
	}
	files := map[string][]byte{"--cacert": r.ServerTLSCert}
	if r.ClientTLSCreds != nil {
		files["--cert"], files["--key"] = r.ClientTLSCreds.Cert, r.ClientTLSCreds.Key
	}
	for flag, content := range files {
		if len(content) == 0 {
			continue
		}
		path := filepath.Join(dir, flag[2:]+".pem")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
		args = append(args, flag, path)
	}
	return args, nil
}

// word turns the suite's name of a choice into rpcctl's.
func word(name, prefix string) string {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok || rest == "UNSPECIFIED" {
		return ""
	}
	return strings.ReplaceAll(strings.ToLower(rest), "_", "-")
}
