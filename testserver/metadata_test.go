package testserver

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func TestMetadata(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	binary := string([]byte{0, 0xff, '\n'})
	ctx := metadata.AppendToOutgoingContext(within(t), "x-one", "1", "x-two", "a, b", "x-two", "c", "x-raw-bin", binary)
	request := &demov1.MetadataRequest{
		Headers: []string{"X-Two", "x-raw-bin", "absent"}, Trailers: []string{"x-one"},
		SetHeaders:  []*demov1.MetadataEntry{{Name: "x-set", Value: &demov1.MetadataEntry_Text{Text: "é\u202e"}}},
		SetTrailers: []*demov1.MetadataEntry{{Name: "x-end-bin", Value: &demov1.MetadataEntry_Binary{Binary: []byte{1, 2}}}},
	}
	var header, trailer metadata.MD
	reply := ok[*demov1.MetadataReply](t)(lab.Metadata(ctx, request, grpc.Header(&header), grpc.Trailer(&trailer)))
	header.Delete("content-type")
	same(t, header, metadata.MD{"x-two": {"a, b", "c"}, "x-raw-bin": {binary}, "x-set": {"é\u202e"}})
	same(t, trailer, metadata.MD{"x-one": {"1"}, "x-end-bin": {"\x01\x02"}})
	var own []*demov1.MetadataEntry
	for _, entry := range reply.GetEntries() {
		if strings.HasPrefix(entry.GetName(), "x-") {
			own = append(own, entry)
		}
	}
	text := func(name, value string) *demov1.MetadataEntry {
		return &demov1.MetadataEntry{Name: name, Value: &demov1.MetadataEntry_Text{Text: value}}
	}
	same(t, own, []*demov1.MetadataEntry{
		text("x-one", "1"),
		{Name: "x-raw-bin", Value: &demov1.MetadataEntry_Binary{Binary: []byte(binary)}},
		text("x-two", "a, b"), text("x-two", "c"),
	})
	if left := reply.GetTimeLeft().AsDuration(); left <= 0 || left > patience || reply.GetPeer() != "bufconn" {
		t.Errorf("time left %v, peer %q", left, reply.GetPeer())
	}

	for name, reason := range map[string]string{
		"":             "a name is needed",
		"grpc-status":  "belongs to the protocol",
		":status":      "belongs to the protocol",
		"content-type": "belongs to the protocol",
		"a b":          "must be made of a-z, 0-9, _, - and .",
		"x-bad":        "has a control character in its value",
	} {
		_, err := lab.Metadata(within(t), &demov1.MetadataRequest{SetTrailers: []*demov1.MetadataEntry{text(name, "a\nb")}})
		description := fmt.Sprintf("%q: %s", name, reason)
		refused(t, err, codes.InvalidArgument, "set_trailers[0] "+description, bad("set_trailers[0]", description))
	}
	_, err := lab.Metadata(within(t), &demov1.MetadataRequest{SetHeaders: []*demov1.MetadataEntry{text("x", strings.Repeat("y", maxMetadata))}})
	refused(t, err, codes.InvalidArgument, "headers have 1048577 bytes, of which 1048576 can be sent", bad("headers", "have 1048577 bytes, of which 1048576 can be sent"))
}

// The connection survives whatever a client asks to be sent back.
func FuzzMetadata(f *testing.F) {
	for _, seed := range [][2]string{{"x", "y"}, {"x-bin", "\x00"}, {"X", "\x80"}, {"", ""}, {"grpc-message", "z"}, {"x", " y "}, {"te", "trailers"}, {"host", "h"}, {"user-agent", "u"}, {"content-length", "5"}, {"_", "\t"}, {"-bin", "x"}} {
		f.Add(seed[0], []byte(seed[1]))
	}
	m := StartMemory(Options{})
	f.Cleanup(func() {
		if err := m.Close(); err != nil {
			f.Error(err)
		}
	})
	conn := dialMemory(f, m)
	lab := demov1.NewLabClient(conn)
	f.Fuzz(func(t *testing.T, name string, value []byte) {
		entry := []*demov1.MetadataEntry{{Name: strings.ToValidUTF8(name, "?"), Value: &demov1.MetadataEntry_Binary{Binary: value}}}
		_, err := lab.Metadata(within(t), &demov1.MetadataRequest{SetHeaders: entry, SetTrailers: entry})
		if code := grpcCode(err); code != codes.OK && code != codes.InvalidArgument {
			t.Errorf("%q: %q: %v", name, value, err)
		}
		if got := m.Server.Stats().Accepted; got != 1 {
			t.Errorf("%q: %q: %d connections", name, value, got)
		}
	})
}

func TestSecret(t *testing.T) {
	_, conn := start(t, Options{})
	lab := demov1.NewLabClient(conn)
	info := func(reason string) *errdetails.ErrorInfo {
		return &errdetails.ErrorInfo{Reason: reason, Domain: "rpcctl.example"}
	}
	for _, c := range []struct {
		name, authorization string
		code                codes.Code
		message             string
		detail              *errdetails.ErrorInfo
	}{
		{"none", "", codes.Unauthenticated, "a token is needed, as in authorization: Bearer TOKEN", info("NO_TOKEN")},
		{"wrong", "Bearer dem", codes.Unauthenticated, "the token is not the right one", info("WRONG_TOKEN")},
		{"scheme", "Basic demo", codes.Unauthenticated, "the token is not the right one", info("WRONG_TOKEN")},
		{"guest", "Bearer guest", codes.PermissionDenied, "guests may not hear the secret", info("GUEST")},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := within(t)
			if c.authorization != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", c.authorization)
			}
			_, err := lab.Secret(ctx, &demov1.SecretRequest{})
			refused(t, err, c.code, c.message, c.detail)
		})
	}
	for _, authorization := range []string{"Bearer demo", "bearer demo"} {
		ctx := metadata.AppendToOutgoingContext(within(t), "authorization", authorization)
		same(t, ok[*demov1.SecretReply](t)(lab.Secret(ctx, &demov1.SecretRequest{})), &demov1.SecretReply{Secret: "the cake is in the fridge"})
	}
}
