package cmd_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A naming server sends files of names that it chooses, each with one message, for the
// one service that it has.
type naming struct {
	reflectpb.UnimplementedServerReflectionServer
	names []string
}

func (s naming) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	files := &reflectpb.FileDescriptorResponse{}
	for i, name := range append([]string{"good.proto"}, s.names...) {
		fd := &descriptorpb.FileDescriptorProto{Name: &name, Package: proto.String("h"), Syntax: proto.String("proto3")}
		m := "M" + string(rune('a'+i%26)) + string(rune('a'+i/26))
		fd.MessageType = []*descriptorpb.DescriptorProto{{Name: &m}}
		if i == 0 {
			fd.Service = []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S")}}
		}
		raw, err := proto.Marshal(fd)
		if err != nil {
			return err
		}
		files.FileDescriptorProto = append(files.FileDescriptorProto, raw)
	}
	for {
		req, err := stream.Recv()
		if err != nil {
			return nil
		}
		reply := &reflectpb.ServerReflectionResponse{OriginalRequest: req}
		if req.GetListServices() != "" {
			reply.MessageResponse = &reflectpb.ServerReflectionResponse_ListServicesResponse{
				ListServicesResponse: &reflectpb.ListServiceResponse{Service: []*reflectpb.ServiceResponse{{Name: "h.S"}}},
			}
		} else {
			reply.MessageResponse = &reflectpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: files}
		}
		if err := stream.Send(reply); err != nil {
			return err
		}
	}
}

func serveNames(t *testing.T, names ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	reflectpb.RegisterServerReflectionServer(g, naming{names: names})
	go g.Serve(l)
	t.Cleanup(g.Stop)
	return l.Addr().String()
}

// tree returns all that is in a folder, folders with a slash behind them.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if d.IsDir() {
			name += "/"
		}
		names = append(names, filepath.ToSlash(name))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// Names that a server chose never lead out of the folder, and valid files are written all the
// same.
func TestExportHostileNames(t *testing.T) {
	hostile := []string{
		"../up.proto", "../../x", "a/../../up.proto", "/abs.proto", "//abs.proto", "./dot.proto", "a//b.proto", "a/./b.proto", "a/", "..",
		`..\up.proto`, `c:\x.proto`, "c:x.proto", "con.proto", "a/NUL.proto", "com1.x.proto", "lpt9.proto", "/dev/null", "dev/null",
		"noproto", ".hidden.proto", "a/.git/x.proto", "trailing.proto.", "blank .proto ", "star*.proto", "pipe|.proto",
		strings.Repeat("long", 100) + ".proto", "GOOD.proto", "good.proto/below.proto", "link/out.proto", "fifo.proto",
	}
	addr := serveNames(t, append(slices.Clone(hostile), "fine/with-dash_1.proto", "good.proto")...)
	outer := t.TempDir()
	dir := filepath.Join(outer, "a", "b", "out")
	elsewhere := filepath.Join(outer, "elsewhere")
	for _, d := range []string{dir, elsewhere} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if runtime.GOOS != "windows" {
		if err := os.Symlink(elsewhere, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(elsewhere, "through"), filepath.Join(dir, "fifo.proto")); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, "", "", "-a", addr, "export", "--proto-out-dir", dir)
	if got.Code != 1 || !strings.Contains(got.Stderr, "not all of the schema was written:") || !strings.Contains(got.Stderr, `"../up.proto": not the name of a file below the folder`) {
		t.Errorf("%+v", got)
	}
	want := []string{"./", "a/", "a/b/", "a/b/out/", "a/b/out/fifo.proto", "a/b/out/fine/", "a/b/out/fine/with-dash_1.proto", "a/b/out/good.proto", "a/b/out/link", "elsewhere/"}
	if runtime.GOOS == "windows" {
		want = slices.DeleteFunc(want, func(s string) bool { return strings.HasSuffix(s, "link") })
	}
	if diff := cmp.Diff(want, tree(t, outer)); diff != "" {
		t.Error(diff)
	}
	if info, err := os.Lstat(filepath.Join(dir, "fifo.proto")); err != nil || info.Mode()&fs.ModeSymlink == 0 && runtime.GOOS != "windows" {
		t.Errorf("a link was replaced: %v, %v", info, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "good.proto"))
	if err != nil || !strings.Contains(string(text), "service S") {
		t.Errorf("%q, %v", text, err)
	}
}

// A full disk is an error that says so, and leaves no partial file.
func TestExportToAFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the limit on the size of files is set by a shell of Linux")
	}
	out := t.TempDir()
	for _, where := range []string{"--protoset-out " + out + "/set.binpb", "--proto-out-dir " + out + "/protos"} {
		cmd := command(t, "sh", "-c", "ulimit -f 8; exec rpcctl -a demo: export "+where)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
		text, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(text), "file too large") {
			t.Errorf("%s: exit code %d, %v: %s", where, code, err, text)
		}
	}
	for _, name := range tree(t, out) {
		if strings.Contains(name, "binpb") || strings.Contains(name, "tmp") {
			t.Errorf("%s is left", name)
		}
	}
	if got := run(t, "", "", "-a", "demo:", "export", "--protoset-out", "/dev/full"); got.Code != 1 || !strings.Contains(got.Stderr, "no space left on device") {
		t.Errorf("%+v", got)
	}
}
