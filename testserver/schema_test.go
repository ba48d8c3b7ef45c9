package testserver

import (
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// schemaFiles is the committed descriptor set.
func schemaFiles(t *testing.T) *descriptorpb.FileDescriptorSet {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(Protoset(), set); err != nil {
		t.Fatal(err)
	}
	return set
}

func schemaSources(t *testing.T) (names []string) {
	t.Helper()
	err := fs.WalkDir(Protos(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// The descriptor set is what the sources say today, comments included.
func TestProtosetIsUpToDate(t *testing.T) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: func(path string) (io.ReadCloser, error) { return Protos().Open(path) },
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	names := schemaSources(t)
	files, err := compiler.Compile(within(t), names...)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*descriptorpb.FileDescriptorProto{}
	for _, file := range schemaFiles(t).GetFile() {
		if strings.HasPrefix(file.GetName(), "rpcctl/") {
			got[file.GetName()] = file
		}
	}
	want := map[string]*descriptorpb.FileDescriptorProto{}
	for _, file := range files {
		if !strings.HasPrefix(file.Path(), "rpcctl/") {
			continue // of others, without their comments
		}
		// It is encoded, since the compiler has its own types for our options.
		data := ok[[]byte](t)(proto.Marshal(protodesc.ToFileDescriptorProto(file)))
		described := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(data, described); err != nil {
			t.Fatal(err)
		}
		want[file.Path()] = described
	}
	same(t, got, want)
}

// The generated code is what the descriptor set says, without the comments.
func TestGeneratedCodeIsUpToDate(t *testing.T) {
	for _, file := range schemaFiles(t).GetFile() {
		if !strings.HasPrefix(file.GetName(), "rpcctl/") {
			continue
		}
		file.SourceCodeInfo = nil
		linked := ok[protoreflect.FileDescriptor](t)(protoregistry.GlobalFiles.FindFileByPath(file.GetName()))
		same(t, protodesc.ToFileDescriptorProto(linked), file)
	}
}

// A descriptor set is complete and in order: each file comes after its imports.
func TestProtosetStandsAlone(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range schemaFiles(t).GetFile() {
		for _, name := range file.GetDependency() {
			if !seen[name] {
				t.Errorf("%s comes before its import %s", file.GetName(), name)
			}
		}
		seen[file.GetName()] = true
	}
	for _, name := range schemaSources(t) {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	set := Protoset()
	clear(set)
	if len(schemaFiles(t).GetFile()) == 0 {
		t.Error("one caller's changes reach another")
	}
}

// People read this schema with describe, so every declaration is explained, except for the
// long rows of fields in Everything that explain themselves.
func TestEverythingIsExplained(t *testing.T) {
	files := ok[*protoregistry.Files](t)(protodesc.NewFiles(schemaFiles(t)))
	explain := func(d protoreflect.Descriptor) {
		comment := strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
		if comment == "" {
			t.Errorf("%s has no comment", d.FullName())
		} else if last := comment[len(comment)-1]; last != '.' && last != ':' {
			t.Errorf("%s: %q is no sentence", d.FullName(), comment)
		}
	}
	var messages func(protoreflect.MessageDescriptors)
	enums := func(list protoreflect.EnumDescriptors) {
		for i := range list.Len() {
			explain(list.Get(i))
			for j := range list.Get(i).Values().Len() {
				explain(list.Get(i).Values().Get(j))
			}
		}
	}
	messages = func(list protoreflect.MessageDescriptors) {
		for i := range list.Len() {
			m := list.Get(i)
			if m.IsMapEntry() {
				continue
			}
			explain(m)
			for j := range m.Fields().Len() {
				field := m.Fields().Get(j)
				// The comment of a group belongs to its message.
				group := field.Kind() == protoreflect.GroupKind && field.ParentFile().Syntax() == protoreflect.Proto2
				if m.Name() != "Everything" && !group {
					explain(field)
				}
			}
			enums(m.Enums())
			messages(m.Messages())
		}
	}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasPrefix(file.Path(), "rpcctl/") {
			messages(file.Messages())
			enums(file.Enums())
			for i := range file.Services().Len() {
				explain(file.Services().Get(i))
				for j := range file.Services().Get(i).Methods().Len() {
					explain(file.Services().Get(i).Methods().Get(j))
				}
			}
		}
		return true
	})
}

// asked sends one question to reflection v1 and returns the answer.
func asked(t *testing.T, conn *grpc.ClientConn, question *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
	t.Helper()
	stream := ok[grpc.BidiStreamingClient[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse]](t)(
		reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(within(t)))
	if err := stream.Send(question); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	return ok[*reflectionv1.ServerReflectionResponse](t)(stream.Recv())
}

func bySymbol(name string) *reflectionv1.ServerReflectionRequest {
	return &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}}
}

func byExtension(message string, number int32) *reflectionv1.ServerReflectionRequest {
	return &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingExtension{
		FileContainingExtension: &reflectionv1.ExtensionRequest{ContainingType: message, ExtensionNumber: number},
	}}
}

// files are the files of an answer by name, and whether each has comments.
func filesOf(t *testing.T, answer *reflectionv1.ServerReflectionResponse) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	for _, data := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(data, file); err != nil {
			t.Fatal(err)
		}
		files[file.GetName()] = len(file.GetSourceCodeInfo().GetLocation()) > 0
	}
	return files
}

func TestReflection(t *testing.T) {
	_, conn := start(t, Options{})
	t.Run("services", func(t *testing.T) {
		var names []string
		list := asked(t, conn, &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
		for _, service := range list.GetListServicesResponse().GetService() {
			names = append(names, service.GetName())
		}
		slices.Sort(names)
		same(t, names, []string{
			"google.longrunning.Operations", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
			"rpcctl.demo.v1.Bakery", "rpcctl.demo.v1.Editions", "rpcctl.demo.v1.Greeter", "rpcctl.demo.v1.Lab", "rpcctl.demo.v1.Shop", "rpcctl.demo.v1.Warehouse",
		})
	})
	for _, c := range []struct {
		name     string
		question *reflectionv1.ServerReflectionRequest
		want     map[string]bool
	}{
		{"greeter", bySymbol("rpcctl.demo.v1.Greeter"), map[string]bool{"rpcctl/demo/v1/greeter.proto": true}},
		{"method", bySymbol("rpcctl.demo.v1.Greeter.SayHello"), map[string]bool{"rpcctl/demo/v1/greeter.proto": true}},
		{"hidden type", bySymbol("rpcctl.demo.v1.Parcel"), map[string]bool{
			"rpcctl/demo/v1/parcel.proto": true, "google/protobuf/any.proto": false, "google/protobuf/duration.proto": false,
		}},
		{"health", bySymbol("grpc.health.v1.Health"), map[string]bool{"grpc/health/v1/health.proto": false}},
		{"error details", bySymbol("google.rpc.BadRequest"), map[string]bool{"google/rpc/error_details.proto": false, "google/protobuf/duration.proto": false}},
		{"extension", byExtension("rpcctl.demo.v1.Legacy", 150), map[string]bool{"rpcctl/demo/v1/legacy_extra.proto": true, "rpcctl/demo/v1/legacy.proto": true}},
		{"option", byExtension("google.protobuf.FieldOptions", 50711), map[string]bool{"rpcctl/demo/v1/options.proto": true, "google/protobuf/descriptor.proto": false}},
		{"path", &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{
			FileByFilename: "rpcctl/demo/v1/modern.proto",
		}}, map[string]bool{"rpcctl/demo/v1/modern.proto": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			same(t, filesOf(t, asked(t, conn, c.question)), c.want)
		})
	}
	t.Run("extension numbers", func(t *testing.T) {
		for message, want := range map[string][]int32{
			"rpcctl.demo.v1.Legacy":        {100, 101, 102, 103, 150, 151, 1000},
			"google.protobuf.FieldOptions": {50711},
			"rpcctl.demo.v1.Everything":    nil,
		} {
			numbers := asked(t, conn, &reflectionv1.ServerReflectionRequest{
				MessageRequest: &reflectionv1.ServerReflectionRequest_AllExtensionNumbersOfType{AllExtensionNumbersOfType: message},
			}).GetAllExtensionNumbersResponse().GetExtensionNumber()
			slices.Sort(numbers)
			same(t, numbers, want)
		}
	})
	for name, question := range map[string]*reflectionv1.ServerReflectionRequest{
		"unknown symbol of ours":      bySymbol("rpcctl.demo.v1.Nobody"),
		"unknown symbol of others":    bySymbol("nobody.Knows"),
		"unknown extension":           byExtension("rpcctl.demo.v1.Legacy", 199),
		"extension of an unknown one": byExtension("nobody.Knows", 1),
	} {
		t.Run(name, func(t *testing.T) {
			answer := asked(t, conn, question)
			same(t, codes.Code(answer.GetErrorResponse().GetErrorCode()), codes.NotFound)
		})
	}
}

func TestReflectionIsChosen(t *testing.T) {
	for choice, want := range map[Reflection][2]codes.Code{
		"":                {codes.OK, codes.OK},
		ReflectionBoth:    {codes.OK, codes.OK},
		ReflectionV1:      {codes.OK, codes.Unimplemented},
		ReflectionV1Alpha: {codes.Unimplemented, codes.OK},
		ReflectionNone:    {codes.Unimplemented, codes.Unimplemented},
	} {
		t.Run("choice "+string(choice), func(t *testing.T) {
			_, conn := start(t, Options{Reflection: choice})
			v1 := ok[reflectionv1.ServerReflection_ServerReflectionInfoClient](t)(reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(within(t)))
			v1alpha := ok[reflectionv1alpha.ServerReflection_ServerReflectionInfoClient](t)(reflectionv1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(within(t)))
			// The error of Send does not matter: Recv returns the status.
			_ = v1.Send(bySymbol("rpcctl.demo.v1.Shop"))
			_, v1Err := v1.Recv()
			//lint:ignore SA1019 The old version is what is tried here.
			question := &reflectionv1alpha.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: "rpcctl.demo.v1.Shop"}
			//lint:ignore SA1019 As above.
			_ = v1alpha.Send(&reflectionv1alpha.ServerReflectionRequest{MessageRequest: question})
			_, v1alphaErr := v1alpha.Recv()
			same(t, [2]codes.Code{grpcCode(v1Err), grpcCode(v1alphaErr)}, want)
		})
	}
	t.Run("by an unknown name", func(t *testing.T) {
		if _, err := ParseReflection("v2"); err == nil || err.Error() != `unknown reflection "v2": want both, v1, v1alpha or none` {
			t.Error(err)
		}
		defer func() {
			if recover() == nil {
				t.Error("New took it")
			}
		}()
		New(Options{Reflection: "v2"})
	})
}

func TestReflectionBehindAToken(t *testing.T) {
	_, conn := start(t, Options{ReflectionToken: "sesame"})
	for token, want := range map[string]codes.Code{"": codes.Unauthenticated, "Bearer demo": codes.Unauthenticated, "Bearer sesame": codes.OK} {
		ctx := within(t)
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token)
		}
		stream := ok[reflectionv1.ServerReflection_ServerReflectionInfoClient](t)(reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx))
		_ = stream.Send(bySymbol("rpcctl.demo.v1.Shop")) // Recv has the status.
		_, err := stream.Recv()
		same(t, grpcCode(err), want)
	}
}

// The sources reach a folder unchanged, which is how other tests use them.
func TestProtosCanBeCopied(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, Protos()); err != nil {
		t.Fatal(err)
	}
	want := ok[[]byte](t)(os.ReadFile("proto/rpcctl/demo/v1/shop.proto"))
	same(t, ok[[]byte](t)(os.ReadFile(dir+"/rpcctl/demo/v1/shop.proto")), want)
}
