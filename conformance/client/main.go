// Command client is the client under test of the Connect conformance suite
// (https://github.com/connectrpc/conformance): it runs rpcctl once for every call
// that the suite asks for, and reports what rpcctl prints.
//
//	client -rpcctl PATH -protos DIR [-parallel N] [-without-protocol]
//
// DIR has the suite's .proto files. With -without-protocol the calls of gRPC leave
// out --protocol, whose default it is.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

func main() {
	var o options
	flag.StringVar(&o.rpcctl, "rpcctl", "", "the `PATH` of rpcctl")
	flag.StringVar(&o.protos, "protos", "", "the `DIR` of the suite's .proto files")
	flag.IntVar(&o.parallel, "parallel", 2, "how many calls run at once")
	flag.BoolVar(&o.withoutProtocol, "without-protocol", false, "leave out --protocol where it is gRPC")
	flag.Parse()
	if err := run(context.Background(), o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "client:", err)
		os.Exit(1)
	}
}

type options struct {
	rpcctl, protos  string
	parallel        int
	withoutProtocol bool
}

// run answers each request, in any order, until there are no more.
func run(ctx context.Context, o options, in io.Reader, out io.Writer) error {
	dir, err := os.MkdirTemp("", "rpcctl-conformance-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := openSchema(ctx, o.protos, dir)
	if err != nil {
		return err
	}
	var (
		wg      sync.WaitGroup
		slots   = make(chan struct{}, o.parallel)
		mu      sync.Mutex // of out and failed
		failed  error
		buffers = bufio.NewReader(in)
	)
	for {
		request := dynamicpb.NewMessage(s.request)
		if err := readDelimited(buffers, request); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			answer := s.perform(ctx, o, dir, request)
			mu.Lock()
			defer mu.Unlock()
			failed = errors.Join(failed, writeDelimited(out, answer))
		})
	}
	wg.Wait()
	return failed
}

// readDelimited reads a message behind its size, four bytes.
func readDelimited(r io.Reader, m proto.Message) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("reading a request: %w", err)
	}
	return proto.Unmarshal(b, m)
}

func writeDelimited(w io.Writer, m proto.Message) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
