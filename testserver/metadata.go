package testserver

import (
	"context"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// maxMetadata bounds what Metadata sends back as headers or trailers, in bytes.
const maxMetadata = 1 << 20

// Token is the token that Lab.Secret accepts in "authorization: Bearer TOKEN"; it has no other
// use. Lab.Secret knows GuestToken and refuses it.
const (
	Token      = "demo"
	GuestToken = "guest"
)

func (*lab) Metadata(ctx context.Context, r *demov1.MetadataRequest) (*demov1.MetadataReply, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	var f faults
	headers := answerMetadata(&f, "headers", md, r.GetHeaders(), r.GetSetHeaders())
	trailers := answerMetadata(&f, "trailers", md, r.GetTrailers(), r.GetSetTrailers())
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := grpc.SetHeader(ctx, headers); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, trailers); err != nil {
		return nil, err
	}
	reply := &demov1.MetadataReply{}
	for _, name := range slices.Sorted(maps.Keys(md)) {
		for _, value := range md[name] {
			reply.Entries = append(reply.Entries, metadataEntry(name, value))
		}
	}
	if p, ok := peer.FromContext(ctx); ok {
		reply.Peer = p.Addr.String()
	}
	if deadline, ok := ctx.Deadline(); ok {
		reply.TimeLeft = durationpb.New(time.Until(deadline))
	}
	return reply, nil
}

func metadataEntry(name, value string) *demov1.MetadataEntry {
	e := &demov1.MetadataEntry{Name: name}
	// HTTP/2 allows bytes that are not text.
	if strings.HasSuffix(name, "-bin") || !utf8.ValidString(value) {
		e.Value = &demov1.MetadataEntry_Binary{Binary: []byte(value)}
	} else {
		e.Value = &demov1.MetadataEntry_Text{Text: value}
	}
	return e
}

// answerMetadata collects what is to be sent back: the request's own metadata by name, and
// then the entries. Faults name the field at.
func answerMetadata(f *faults, at string, in metadata.MD, names []string, entries []*demov1.MetadataEntry) metadata.MD {
	out := metadata.MD{}
	size := 0
	add := func(field, name, value string) {
		if reason := unsendable(name, value); reason != "" {
			f.add(field, "%.80q: %s", name, reason)
			return
		}
		if size += len(name) + len(value); size <= maxMetadata {
			out.Append(name, value)
		}
	}
	for i, name := range names {
		for _, value := range in.Get(name) {
			add(fmt.Sprintf("%s[%d]", at, i), strings.ToLower(name), value)
		}
	}
	for i, entry := range entries {
		value := entry.GetText()
		if b, ok := entry.GetValue().(*demov1.MetadataEntry_Binary); ok {
			value = string(b.Binary)
		}
		add(fmt.Sprintf("set_%s[%d]", at, i), strings.ToLower(entry.GetName()), value)
	}
	if size > maxMetadata {
		f.add(at, "have %d bytes, of which %d can be sent", size, maxMetadata)
	}
	return out
}

// unsendable returns why a name and value cannot be sent, "" if they can. Control characters
// would break the connection (RFC 9110, section 5.5), and the other names belong to HTTP/2 and
// gRPC. Bytes above 0x7f may be sent, which HTTP/2 allows and gRPC does not: clients must
// cope.
func unsendable(name, value string) string {
	switch {
	case name == "":
		return "a name is needed"
	case strings.HasPrefix(name, ":"), strings.HasPrefix(name, "grpc-"):
		return "belongs to the protocol"
	case slices.Contains([]string{
		"content-type", "te", "connection", "transfer-encoding", "keep-alive", "upgrade",
		"proxy-connection",
	}, name):
		return "belongs to the protocol"
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_-.", c) >= 0) {
			return "must be made of a-z, 0-9, _, - and ."
		}
	}
	if strings.HasSuffix(name, "-bin") {
		return ""
	}
	for _, c := range []byte(value) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return "has a control character in its value"
		}
	}
	return ""
}

func (*lab) Secret(ctx context.Context, _ *demov1.SecretRequest) (*demov1.SecretReply, error) {
	if bears(ctx, GuestToken) {
		return nil, failure(codes.PermissionDenied, "guests may not hear the secret", &errdetails.ErrorInfo{
			Reason: "GUEST", Domain: domain,
		})
	}
	if err := authorize(ctx, Token); err != nil {
		return nil, err
	}
	return &demov1.SecretReply{Secret: "the cake is in the fridge"}, nil
}

// tokenGate protects the reflection services by a token, if it has one.
type tokenGate struct{ token string }

func (g tokenGate) stream(
	server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler,
) error {
	if g.token != "" && strings.HasPrefix(info.FullMethod, "/grpc.reflection.") {
		if err := authorize(stream.Context(), g.token); err != nil {
			return err
		}
	}
	return handler(server, stream)
}

// authorize returns UNAUTHENTICATED unless the call carries the token.
func authorize(ctx context.Context, token string) error {
	if bears(ctx, token) {
		return nil
	}
	reason, message := "WRONG_TOKEN", "the token is not the right one"
	if len(metadata.ValueFromIncomingContext(ctx, "authorization")) == 0 {
		reason, message = "NO_TOKEN", "a token is needed, as in authorization: Bearer TOKEN"
	}
	return failure(codes.Unauthenticated, message, &errdetails.ErrorInfo{Reason: reason, Domain: domain})
}

// bears reports whether a call carries the token, in constant time. The scheme's case does not
// matter (RFC 9110, section 11.1).
func bears(ctx context.Context, token string) bool {
	for _, value := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		scheme, given, _ := strings.Cut(value, " ")
		if strings.EqualFold(scheme, "bearer") &&
			subtle.ConstantTimeCompare([]byte(strings.TrimSpace(given)), []byte(token)) == 1 {
			return true
		}
	}
	return false
}
