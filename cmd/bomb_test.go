//go:build linux

package cmd_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quic-go/quic-go/http3"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rpcctl/rpcctl/invoke/compress"
	"github.com/rpcctl/rpcctl/testserver"
)

// Over Connect and gRPC-Web our own reader expands what is compressed. Over gRPC grpc-go does
// so, gzip with its own decoder and other codings with ours, and reads no more than the limit
// from either.

// bombsEnv says how much of the table of bombs is run: with "limit" the rows below and beyond
// the default limit, in every coding, place and version of HTTP; with "all" every limit and
// every shape. Without it a part is run that suits every run of the tests.
const bombsEnv = "RPCCTL_BOMBS"

// The places of a response in which something compressed can stand.
const (
	inMessage    = "message"       // the body of a unary call, or its only frame
	inStream     = "stream"        // a message of a stream
	inErrorBody  = "error body"    // Connect: of a unary call that fails
	inEndStream  = "end-stream"    // Connect: the last frame of a stream
	inTrailers   = "trailer frame" // gRPC-Web: the last frame
	bombDeadline = 20 * time.Second
	bombSlack    = 10 * time.Second // for a process that shares its processors
)

// The shapes of what is expanded.
const (
	past  = "past"  // far more than the limit, from very little
	full  = "full"  // just within the limit, from very little
	noise = "noise" // just within the limit, from as much
)

// A bomb is one cell of the table.
type bomb struct {
	protocol, place, http string
	coding, shape         string
	limit                 int    // MiB
	output                string // "": what the command prints by default
}

func (b bomb) String() string {
	name := fmt.Sprintf("%s/%s/http%s/%s/%s/%d", b.protocol, strings.ReplaceAll(b.place, " ", "-"), b.http, b.coding, b.shape, b.limit)
	if b.output != "" {
		name += "/" + b.output
	}
	return name
}

// impossible is why there is no such cell; "" when there is one.
func (b bomb) impossible() string {
	switch {
	case b.protocol == "grpc" && b.http != "2":
		return "gRPC has HTTP/2 alone"
	case b.place == inErrorBody && b.protocol != "connect", b.place == inEndStream && b.protocol != "connect":
		return "Connect alone has it; gRPC and gRPC-Web end in trailers"
	case b.place == inTrailers && b.protocol == "grpc":
		return "the trailers of gRPC are header fields, which HTTP/2 limits"
	case b.place == inTrailers && b.protocol == "connect":
		return "Connect ends in an end-stream message or an error body"
	case b.place != inMessage && b.place != inStream && b.shape == noise:
		return "text does not resist compression"
	}
	return ""
}

// permitted is the greatest peak of resident memory, in MiB.
func (b bomb) permitted() int {
	if b.limit == 64 {
		return 300
	}
	return 64 + 4*b.limit
}

// bombs is the part of the table that bombsEnv asks for.
func bombs(part string) []bomb {
	var all []bomb
	versions := []string{"1.1", "2", "3"}
	for p, protocol := range []string{"connect", "grpc-web", "grpc"} {
		for q, place := range []string{inMessage, inStream, inErrorBody, inEndStream, inTrailers} {
			for r, coding := range compress.Names() {
				for s, shape := range []string{past, full, noise} {
					limits := []int{8, 16, 32, 64}
					for _, limit := range limits {
						for i, version := range versions {
							b := bomb{protocol: protocol, place: place, http: version, coding: coding, shape: shape, limit: limit}
							due := limit == 8 && shape != noise && (p+q+2*r+3*s+4*i)%5 == 0 || limit == 64 && coding == "zstd" && i == 0 && shape == past
							switch part {
							case "all":
								due = true
							case "limit":
								due = limit == 64 && shape != noise
							}
							if due && b.impossible() == "" {
								all = append(all, b)
							}
						}
					}
				}
			}
		}
	}
	for _, output := range []string{"json", "ndjson", "yaml", "text", "table", "raw", "events"} {
		for _, place := range []string{inMessage, inErrorBody} {
			b := bomb{protocol: "connect", place: place, http: "1.1", coding: "gzip", shape: full, limit: 8, output: output}
			if part != "" {
				b.limit = 64
			}
			all = append(all, b)
		}
	}
	return all
}

// Whatever a server sends, and however small it makes it, the memory and the time that
// rpcctl takes for it are bounded.
func TestBombs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has memory of its own")
	}
	certs, err := testserver.NewCerts(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	protoset := filepath.Join(dir, "demo.binpb")
	if err := os.WriteFile(protoset, testserver.Protoset(), 0o600); err != nil {
		t.Fatal(err)
	}
	config := certs.Server(false)
	served := new(bombServer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	tcp := &http.Server{Handler: served, TLSConfig: config, Protocols: &protocols, ReadHeaderTimeout: time.Minute}
	go tcp.ServeTLS(l, "", "")
	datagrams, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	quic := &http3.Server{Handler: served, TLSConfig: http3.ConfigureTLSConfig(config.Clone())}
	go quic.Serve(datagrams)
	t.Cleanup(func() { tcp.Close(); quic.Close(); datagrams.Close() })

	for _, b := range bombs(os.Getenv(bombsEnv)) {
		t.Run(b.String(), func(t *testing.T) {
			served.load(t, b)
			method := "rpcctl.demo.v1.Lab/Blob"
			if b.place == inStream || b.place == inEndStream {
				method = "rpcctl.demo.v1.Lab/Count"
			}
			args := []string{
				"-a", l.Addr().String(), "--tls", "-k", "--protocol", b.protocol, "--http", b.http, "--protoset", protoset,
				"--timeout", strconv.Itoa(int(bombDeadline.Seconds())), "call", method,
			}
			if b.limit != 64 {
				args = append(args, "--max-recv-size", strconv.Itoa(b.limit<<20))
			}
			if b.output != "" {
				args = append(args, "-o", b.output)
			}
			peak, took, said := peakOf(t, args)
			t.Logf("%4d MiB of %3d, %5.1f s, %s", peak, b.permitted(), took.Seconds(), said)
			if peak > b.permitted() {
				t.Errorf("it took %d MiB, more than %d", peak, b.permitted())
			}
			if took > bombDeadline+bombSlack {
				t.Errorf("it took %v with a deadline of %v", took, bombDeadline)
			}
		})
	}
}

// peakOf runs rpcctl and returns its peak resident memory in MiB, how long it took, and what
// it printed. A process counts what it inherits from the one that started it, so a small one
// does.
func peakOf(t *testing.T, args []string) (mib int, took time.Duration, said string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "peak-of", append([]string{"rpcctl"}, args...)...)
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var kib, ms, code int
	if _, err := fmt.Sscan(stdout.String(), &kib, &ms, &code); err != nil {
		t.Fatalf("%v: %q", err, stdout.String())
	}
	said = strings.SplitN(stderr.String(), "\n", 2)[0]
	if len(said) > 150 {
		said = said[:150]
	}
	return kib >> 10, time.Duration(ms) * time.Millisecond, fmt.Sprintf("exit %d %s", code, said)
}

// peakOfProcess runs the command of its arguments, and prints its peak resident memory
// in KiB, how long it took in milliseconds, and its exit code.
func peakOfProcess() {
	c := exec.Command(os.Args[1], os.Args[2:]...)
	c.Stderr = os.Stderr
	began := time.Now()
	if err := c.Run(); c.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	fmt.Println(usage.Maxrss, time.Since(began).Milliseconds(), c.ProcessState.ExitCode())
}

// A bombServer answers each request with the bomb that is loaded.
type bombServer struct {
	mu   sync.Mutex
	bomb bomb
	body []byte // compressed

	made map[string][]byte // by what they are made of
}

func (s *bombServer) load(t *testing.T, b bomb) {
	t.Helper()
	key := fmt.Sprint(b.place, b.coding, b.shape, b.limit)
	body, ok := s.made[key]
	if !ok {
		var err error
		if body, err = b.make(); err != nil {
			t.Fatal(err)
		}
		if s.made == nil {
			s.made = map[string][]byte{}
		}
		if len(body) < 1<<20 {
			s.made[key] = body
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bomb, s.body = b, body
}

// make compresses what the bomb expands to.
func (b bomb) make() ([]byte, error) {
	size := b.limit<<20 - 1<<18 // room for what is around it
	switch {
	case b.shape == noise: // codings add a little
		size -= 1 << 20
	case b.shape == past && b.coding == "zstd":
		size = 1 << 30
	case b.shape == past:
		size = 4 * b.limit << 20
	}
	var coding *compress.Coding
	for _, c := range compress.Codings() {
		if c.Name() == b.coding {
			coding = c
		}
	}
	var out bytes.Buffer
	w, err := coding.Compress(&out)
	if err != nil {
		return nil, err
	}
	before, after, fill := "", "", byte('a')
	switch b.place {
	case inMessage: // BlobReply.data
		before, fill = string(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.BytesType), uint64(size))), 0
	case inStream: // CountReply.payload
		before, fill = string(protowire.AppendVarint(protowire.AppendTag(nil, 2, protowire.BytesType), uint64(size))), 0
	case inErrorBody:
		before, after = `{"code":"internal","message":"`, `"}`
	case inEndStream:
		before, after = `{"error":{"code":"internal","message":"`, `"},"metadata":{"a":["b"]}}`
	case inTrailers:
		before, after = "grpc-status: 13\r\ngrpc-message: ", "\r\n"
	}
	if _, err := io.WriteString(w, before); err != nil {
		return nil, err
	}
	piece := bytes.Repeat([]byte{fill}, 1<<16)
	random := rand.NewChaCha8([32]byte{})
	for left := size; left > 0; left -= len(piece) {
		if b.shape == noise {
			_, _ = random.Read(piece)
		}
		if _, err := w.Write(piece[:min(left, len(piece))]); err != nil {
			return nil, err
		}
	}
	if _, err := io.WriteString(w, after); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// ServeHTTP answers.
func (s *bombServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	b, body := s.bomb, s.body
	s.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	h := w.Header()
	frame := func(flags byte, p []byte) {
		head := [5]byte{flags}
		binary.BigEndian.PutUint32(head[1:], uint32(len(p)))
		_, _ = w.Write(head[:])
		_, _ = w.Write(p) // whoever has read enough is gone
	}
	switch {
	case b.protocol == "connect" && b.place == inMessage:
		h.Set("content-type", "application/proto")
		h.Set("content-encoding", b.coding)
		_, _ = w.Write(body)
	case b.protocol == "connect" && b.place == inErrorBody:
		h.Set("content-type", "application/json")
		h.Set("content-encoding", b.coding)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(body)
	case b.protocol == "connect":
		h.Set("content-type", "application/connect+proto")
		h.Set("connect-content-encoding", b.coding)
		if b.place == inEndStream {
			frame(3, body)
			return
		}
		frame(1, body)
		end, _ := json.Marshal(map[string]any{})
		frame(2, end)
	case b.protocol == "grpc-web":
		h.Set("content-type", "application/grpc-web+proto")
		h.Set("grpc-encoding", b.coding)
		if b.place == inTrailers {
			frame(0x81, body)
			return
		}
		frame(1, body)
		frame(0x80, []byte("grpc-status: 0\r\n"))
	default:
		h.Set("content-type", "application/grpc+proto")
		h.Set("grpc-encoding", b.coding)
		h.Set("trailer", "grpc-status")
		frame(1, body)
		h.Set("grpc-status", "0")
	}
}
