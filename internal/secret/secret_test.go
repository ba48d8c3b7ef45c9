package secret

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

func TestName(t *testing.T) {
	for name, want := range map[string]bool{
		"authorization": true, "Proxy-Authorization": true, "x-auth": true, "xAuthToken": true, "oauth2": true, "authn": true,
		"cookie": true, "Set-Cookie": true, "x-private-key": true, "x-credential": true, "credentials": true, "api_key": true,
		"apiKey": true, "APIKEY": true, "x-api-key": true, "client_secret": true, "ClientSecret": true, "password": true,
		"PASSWORD": true, "passwd": true, "pwd": true, "passphrase": true, "my-token": true, "tokens": true, "access_token": true,
		"session_id": true, "x-session": true, "signature": true, "x-amz-signature": true, "x-hub-signature-256": true, "signing_key": true, "basic": true,
		"bearer": true, "jwt": true, "x-jwt-assertion": true, "encryptionKey": true, "keys": false, "key": false, "monkey": false,
		"author": false, "author_id": false, "authority": false, "coauthor": false, "authors": false, "page_token": false,
		"nextPageToken": false, "max_tokens": false, "token_count": false, "public_key": false, "idempotency-key": false,
		"partition_key": false, "object_key": false, "cache_key": false, "message_key": false, "project_key": false, "basic_info": false,
		"is_basic": false, "secretary_name": false, "possession_date": false, "session_count": false, "tokenizer": false,
		"signature_algorithm": false, "cookie_policy": false, "sessions_open": false, "secretKey": true, "clientsecret": true,
		"accessToken": true, "csrftoken": true, "session": true, "session_key": true, "name": false, "": false, "x-request-id": false,
		"pin_code_count": false, "pattern": false, "spin": false, "pin": false, "pass": false, "pat": false, "pw_count": false, "basics": false, "tokens.page_token": true,
	} {
		if got := Name(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// Of headers more names are secret than of fields.
func TestHeader(t *testing.T) {
	for name, want := range map[string]bool{
		"x-foo-key": true, "x-cookie-jar": true, "session-affinity": true, "x-signature-input": true, "idempotency-key": false,
		"page-token": false, "x-request-id": false, "user-agent": false, "public-key": false,
		"x-otp": true, "x-pin": true, "x-pat": true, "x-pw": true, "x-user-pass": true, "x-csrf": true, "x-csrf-token": true,
		"x-xsrf-token": true, "xsrf": true, "x-totp-code": true, "x-path": false, "x-pattern": false, "x-pinned-version": false,
		"x-spin": false, "x-passage": false, "x-pass-through": false, "x-pin-region": false, "x-csrf-protection": false, "x-bypass-cache": false, "x-compat": false,
	} {
		if got := Header(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestRequestAndResponse(t *testing.T) {
	for _, tt := range []struct {
		name, value       string
		request, response bool
	}{
		{"x-plain", "v", false, false},
		{"x-plain", "Bearer abc", true, true},
		{"x-plain", "bearer abc", true, true},
		{"x-plain", "Basic bWU6", true, true},
		{"x-plain", "basic", false, false},
		{"x-plain", "eyJhbGciOi", true, true},
		{"x-ctx-bin", "v", true, false},
		{"key", "v", true, false},
		{"set-cookie", "a=b", true, true},
	} {
		if got := Request(tt.name, tt.value); got != tt.request {
			t.Errorf("request %s: %s: %v", tt.name, tt.value, got)
		}
		if got := Response(tt.name, tt.value); got != tt.response {
			t.Errorf("response %s: %s: %v", tt.name, tt.value, got)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:1":                               "localhost:1",
		"https://h/x":                               "https://h/x",
		"https://me:pw@h:1/x@y":                     "https://•••@h:1/x@y",
		"https://pw@h?token=a&b=c#f":                "https://•••@h?token=•••&b=c#f",
		"https://h?%74oken=a":                       "https://h?%74oken=•••",
		"https://h?a=Bearer%20b&c=d?token=e#t&key=": "https://h?a=•••&c=d?token=e#t&key=",
		"https://h/p?X-Amz-Signature=a&key=k&sig=":  "https://h/p?X-Amz-Signature=•••&key=•••&sig=",
	} {
		if got := Address(text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestSeen(t *testing.T) {
	var s Seen
	s.Add("Basic " + base64.StdEncoding.EncodeToString([]byte("me:hunter2hunter2")))
	s.Add("Bearer tok/en+1234")
	s.Add("demo")
	s.AddURL("https://me:passw0rd-1@h/x?token=p4rameter&v=visible-1")
	s.AddURL("no URL")
	for text, want := range map[string]string{
		"demo":                           Mask,
		"rpcctl.demo.v1":                 "rpcctl.demo.v1",
		"Bearer tok/en+1234!":            Mask + "!",
		"wrong token tok/en+1234":        "wrong token " + Mask,
		"?t=tok%2Fen%2B1234":             "?t=" + Mask,
		"password hunter2hunter2 is":     "password " + Mask + " is",
		"passw0rd-1 p4rameter visible-1": Mask + " " + Mask + " visible-1",
		"nothing of the kind":            "nothing of the kind",
		base64.StdEncoding.EncodeToString([]byte("tok/en+1234")): Mask + "=",
	} {
		if got := s.Mask(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	var b bytes.Buffer
	w := s.Writer(&b)
	if n, err := w.Write([]byte("a tok/en+1234\n")); n != 14 || err != nil || b.String() != "a "+Mask+"\n" {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
	if Unmasked(w) != &b || Unmasked(&b) != &b {
		t.Error("not the writer behind")
	}
	if none := (*Seen)(nil); none.Mask("x") != "x" {
		t.Error("a nil one masks")
	}
	(*Seen)(nil).Add("x")
}

// A short secret is masked where it is a word of its own in what a server says, and nowhere else.
func TestSeenWords(t *testing.T) {
	var s Seen
	s.Add("Bearer hunter2")
	s.Add("test")
	s.Add("p@ss!")
	s.Add("abc")
	s.Add("long enough 1")
	for text, want := range map[string]string{
		"wrong password hunter2":         "wrong password " + Mask,
		"\"hunter2\", hunter2.":          "\"" + Mask + "\", " + Mask + ".",
		"hunter2":                        Mask,
		"hunter22 xhunter2 hunter2_":     "hunter22 xhunter2 hunter2_",
		"hunter22 hunter2":               "hunter22 " + Mask,
		"hunter2hunter2":                 "hunter2hunter2",
		"the contest: a test, häßtest":   "the contest: a " + Mask + ", häßtest",
		"p@ss!word, up@ss!":              Mask + "word, up@ss!",
		"abc of abc":                     "abc of abc",
		"abc":                            Mask,
		"it was long enough 1, and test": "it was " + Mask + ", and " + Mask,
		base64.StdEncoding.EncodeToString([]byte("hunter2")): Mask + "==",
	} {
		if got := s.MaskWords(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if text := "a test of hunter2"; s.Mask(text) != text || (*Seen)(nil).MaskWords(text) != text {
		t.Error("it is masked where nothing of a server's is")
	}
}

// login is a message with fields that are secret by name and by option, in
// messages, lists, maps and an Any.
func login(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	str := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()
	msg := descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	many := descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	field := func(name string, n int32, typ *descriptorpb.FieldDescriptorProto_Type, of string) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &n, Type: typ, JsonName: &name}
		if of != "" {
			f.TypeName = &of
		}
		return f
	}
	marked := field("note", 3, str, "")
	marked.Options = &descriptorpb.FieldOptions{DebugRedact: proto.Bool(true)}
	list := field("others", 5, msg, ".t.Login")
	list.Label = many
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("t.proto"), Package: proto.String("t"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/any.proto", "google/protobuf/struct.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Login"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field("user", 1, str, ""), field("password", 2, str, ""), marked, field("inner", 4, msg, ".t.Login"), list,
				field("any", 6, msg, ".google.protobuf.Any"), field("free", 7, msg, ".google.protobuf.Struct"),
			},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().Get(0)
}

// types resolves the one message, for an Any.
type types struct {
	*protoregistry.Types
	md protoreflect.MessageDescriptor
}

func (ty types) FindMessageByURL(string) (protoreflect.MessageType, error) {
	return dynamicpb.NewMessageType(ty.md), nil
}

func TestStrip(t *testing.T) {
	md := login(t)
	set := func(m *dynamicpb.Message, name, value string) {
		m.Set(md.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOfString(value))
	}
	deep := dynamicpb.NewMessage(md)
	set(deep, "user", "kept")
	set(deep, "password", "s3cr3t")
	set(deep, "note", "s3cr3t")
	m := dynamicpb.NewMessage(md)
	set(m, "user", "kept")
	m.Set(md.Fields().ByName("inner"), protoreflect.ValueOfMessage(deep))
	m.Mutable(md.Fields().ByName("others")).List().Append(protoreflect.ValueOfMessage(deep))
	wire, err := proto.Marshal(deep)
	if err != nil {
		t.Fatal(err)
	}
	m.Set(md.Fields().ByName("any"), protoreflect.ValueOfMessage((&anypb.Any{TypeUrl: "x/t.Login", Value: wire}).ProtoReflect()))
	free, err := structpb.NewStruct(map[string]any{"apiKey": map[string]any{"value": "s3cr3t"}, "open": "kept"})
	if err != nil {
		t.Fatal(err)
	}
	m.Set(md.Fields().ByName("free"), protoreflect.ValueOfMessage(free.ProtoReflect()))
	if wire, err = (proto.MarshalOptions{Deterministic: true}).Marshal(m); err != nil {
		t.Fatal(err)
	}
	s := &Stripper{Secret: Field, Keys: Name, Types: types{protoregistry.GlobalTypes, md}}
	got, paths := s.Strip(md, wire)
	if bytes.Contains(got, []byte("s3cr3t")) || bytes.Count(got, []byte("kept")) != 5 {
		t.Errorf("%q", got)
	}
	if text := strings.Join(paths, " "); len(paths) != 7 || !strings.Contains(text, "others.note") || !strings.Contains(text, `free.fields["apiKey"]`) {
		t.Errorf("%q", paths)
	}
	declared := &Stripper{Secret: Declared}
	if got, paths = declared.Strip(md, wire); len(paths) != 2 || !bytes.Contains(got, []byte("s3cr3t")) {
		t.Errorf("%q", paths)
	}
	clean := dynamicpb.NewMessage(md)
	set(clean, "user", "x")
	wire, _ = proto.Marshal(clean)
	if got, paths = s.Strip(md, wire); !bytes.Equal(got, wire) || paths != nil {
		t.Errorf("%q, %q", got, paths)
	}
}

// What a server repeats costs no more than its bytes.
func TestStripCost(t *testing.T) {
	md := login(t)
	for name, unit := range map[string]string{"a secret": "\x1a\x00", "a message with one": "\x2a\x02\x1a\x00", "one without": "\x2a\x02\x0a\x00"} {
		const n = 1 << 18
		wire := bytes.Repeat([]byte(unit), n)
		s := &Stripper{Secret: Field}
		var paths []string
		allocs := testing.AllocsPerRun(1, func() { _, paths = s.Strip(md, wire) })
		if len(paths) > 2 || allocs > 5*n {
			t.Errorf("%s: %d paths, %.0f allocations", name, len(paths), allocs)
		}
	}
}

// Whatever the bytes are, they are copied or left as they are, and what is copied has
// no secret field.
func FuzzStrip(f *testing.F) {
	md := login(f)
	m := dynamicpb.NewMessage(md)
	m.Set(md.Fields().ByName("password"), protoreflect.ValueOfString("x"))
	wire, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Add([]byte("\x22\x03\x12\x01x\x32\x04\x0a\x00\x12\x00"))
	f.Add([]byte{0x3a, 0x02, 0x0a, 0x00})
	s := &Stripper{Secret: Field, Keys: Name, Types: types{protoregistry.GlobalTypes, md}}
	f.Fuzz(func(t *testing.T, wire []byte) {
		stripped, paths := s.Strip(md, wire)
		if len(paths) == 0 {
			if !bytes.Equal(stripped, wire) {
				t.Errorf("%q became %q", wire, stripped)
			}
			return
		}
		if _, again := s.Strip(md, stripped); len(again) > 0 {
			t.Errorf("%q is still there in %q", again, stripped)
		}
	})
}
