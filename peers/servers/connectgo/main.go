// Command connectgo is a server on connect-go: Connect, gRPC and gRPC-Web, over HTTP/1.1 and
// over HTTP/2 in cleartext, on one port.
//
//	connectgo DESCRIPTOR-SET
//
// It prints its address when it is ready for calls.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const libraryName = "peers.library.v1.Library"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "connectgo:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("which descriptor set?")
	}
	files, err := readFiles(os.Args[1])
	if err != nil {
		return err
	}
	d, err := files.FindDescriptorByName(libraryName)
	if err != nil {
		return err
	}
	service := d.(protoreflect.ServiceDescriptor)
	mux := http.NewServeMux()
	giveBack, browse := service.Methods().ByName("Return"), service.Methods().ByName("Browse")
	mux.Handle(path(giveBack), connect.NewUnaryHandler(path(giveBack), answerReturn(giveBack), options(giveBack)...))
	mux.Handle(path(browse), connect.NewServerStreamHandler(path(browse), answerBrowse(browse), options(browse)...))
	reflector := grpcreflect.NewReflector(
		grpcreflect.NamerFunc(func() []string { return []string{libraryName} }),
		grpcreflect.WithDescriptorResolver(files),
	)
	mux.Handle(grpcreflect.NewHandlerV1(reflector))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector))

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	return (&http.Server{Handler: mux, Protocols: &protocols}).Serve(l)
}

func readFiles(name string) (*protoregistry.Files, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(data, set); err != nil {
		return nil, err
	}
	return protodesc.NewFiles(set)
}

func path(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// options make a handler read its method's own messages, for which no code was generated.
func options(m protoreflect.MethodDescriptor) []connect.HandlerOption {
	return []connect.HandlerOption{
		connect.WithSchema(m),
		connect.WithIdempotency(
			connect.IdempotencyLevel(m.Options().(*descriptorpb.MethodOptions).GetIdempotencyLevel())),
		connect.WithRequestInitializer(func(_ connect.Spec, msg any) error {
			*msg.(*dynamicpb.Message) = *dynamicpb.NewMessage(m.Input())
			return nil
		}),
	}
}

type (
	request  = connect.Request[dynamicpb.Message]
	response = connect.Response[dynamicpb.Message]
)

func answerReturn(m protoreflect.MethodDescriptor) func(context.Context, *request) (*response, error) {
	return func(_ context.Context, r *request) (*response, error) {
		book := field(r.Msg, "book").Message()
		if field(book, "title").String() == "" {
			err := connect.NewError(connect.CodeInvalidArgument, errors.New("the book has no title"))
			err.Meta().Set("x-desk", "two")
			return nil, err
		}
		returned := protoreflect.ValueOfString("returned").MapKey()
		copies := book.Mutable(book.Descriptor().Fields().ByName("copies")).Map()
		count := int32(1)
		if copies.Has(returned) {
			count += int32(copies.Get(returned).Int())
		}
		copies.Set(returned, protoreflect.ValueOfInt32(count))
		answer := dynamicpb.NewMessage(m.Output())
		answer.Set(m.Output().Fields().ByName("book"), protoreflect.ValueOfMessage(book))
		reply := connect.NewResponse(answer)
		reply.Header().Set("x-desk", "one")
		reply.Trailer().Set("x-closing", "18:00")
		return reply, nil
	}
}

func answerBrowse(
	m protoreflect.MethodDescriptor,
) func(context.Context, *request, *connect.ServerStream[dynamicpb.Message]) error {
	fields := m.Output().Fields()
	return func(_ context.Context, r *request, s *connect.ServerStream[dynamicpb.Message]) error {
		s.ResponseTrailer().Set("x-closing", "18:00")
		subject := field(r.Msg, "subject")
		names := fields.ByName("subjects").Enum().Values()
		name := string(names.ByNumber(subject.Enum()).Name())[len("SUBJECT_"):]
		for i := int64(1); i <= field(r.Msg, "count").Int(); i++ {
			book := dynamicpb.NewMessage(m.Output())
			book.Set(fields.ByName("title"), protoreflect.ValueOfString(fmt.Sprint(name, " ", i)))
			book.Set(fields.ByName("page_count"), protoreflect.ValueOfInt64(i))
			book.Mutable(fields.ByName("subjects")).List().Append(subject)
			if err := s.Send(book); err != nil {
				return err
			}
		}
		return nil
	}
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	return m.Get(m.Descriptor().Fields().ByName(name))
}
