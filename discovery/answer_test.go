package discovery

import (
	"slices"
	"testing"

	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
)

// generated returns what a request asks, as read by the generated types.
func generated(t testing.TB, r *reflectpb.ServerReflectionRequest) request {
	switch m := r.GetMessageRequest().(type) {
	case nil:
		return request{}
	case *reflectpb.ServerReflectionRequest_FileByFilename:
		return request{kind: askFile, name: m.FileByFilename}
	case *reflectpb.ServerReflectionRequest_FileContainingSymbol:
		return request{kind: askSymbol, name: m.FileContainingSymbol}
	case *reflectpb.ServerReflectionRequest_FileContainingExtension:
		x := m.FileContainingExtension
		return request{kind: askExtension, name: x.GetContainingType(), number: x.GetExtensionNumber()}
	case *reflectpb.ServerReflectionRequest_AllExtensionNumbersOfType:
		return request{kind: askNumbers, name: m.AllExtensionNumbersOfType}
	case *reflectpb.ServerReflectionRequest_ListServices:
		return request{kind: askList, name: m.ListServices}
	default:
		t.Fatalf("a request of type %T", m)
		return request{}
	}
}

func TestRequestsAreThoseOfTheService(t *testing.T) {
	for _, q := range []question{
		listQuestion(), symbolQuestion("a.B"), pathQuestion("a/b.proto"), extensionNumbersQuestion("a.B"),
		extensionQuestion("a.B", 100), extensionQuestion("a.B", -1),
	} {
		var m reflectpb.ServerReflectionRequest
		if err := proto.Unmarshal(q.req.marshal(), &m); err != nil {
			t.Errorf("%s: %v", q.text, err)
		}
		if got := generated(t, &m); got != q.req {
			t.Errorf("%s: got %+v, want %+v", q.text, got, q.req)
		}
		var back request
		if err := back.parse(q.req.marshal()); err != nil || back != q.req {
			t.Errorf("%s: read back %+v, %v", q.text, back, err)
		}
	}
}

// What the generated types can read is read, and says the same.
func FuzzAnswer(f *testing.F) {
	for _, m := range []*reflectpb.ServerReflectionResponse{
		{},
		{MessageResponse: &reflectpb.ServerReflectionResponse_FileDescriptorResponse{
			FileDescriptorResponse: &reflectpb.FileDescriptorResponse{FileDescriptorProto: [][]byte{[]byte("one"), nil, []byte("two")}},
		}},
		{
			OriginalRequest: &reflectpb.ServerReflectionRequest{Host: "h", MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingExtension{
				FileContainingExtension: &reflectpb.ExtensionRequest{ContainingType: "a.B", ExtensionNumber: 7},
			}},
			MessageResponse: &reflectpb.ServerReflectionResponse_AllExtensionNumbersResponse{
				AllExtensionNumbersResponse: &reflectpb.ExtensionNumberResponse{BaseTypeName: "a.B", ExtensionNumber: []int32{1, -1, 536870911}},
			},
		},
		{
			OriginalRequest: &reflectpb.ServerReflectionRequest{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{ListServices: "*"}},
			MessageResponse: &reflectpb.ServerReflectionResponse_ListServicesResponse{
				ListServicesResponse: &reflectpb.ListServiceResponse{Service: []*reflectpb.ServiceResponse{{Name: "a.S"}, {}}},
			},
		},
		{MessageResponse: &reflectpb.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectpb.ErrorResponse{ErrorCode: 5, ErrorMessage: "no such thing"},
		}},
	} {
		wire, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire)
	}
	f.Add([]byte("\x3a\x02\x08\x05\x22\x03\x0a\x01x"))                 // an error, and then files in its place
	f.Add([]byte("\x2a\x03\x10\x05\x10\x2a\x02\x10\x06"))              // cut short
	f.Add([]byte("\x12\x04\x22\x02\x61\xff"))                          // a name that is not UTF-8
	f.Add([]byte("\x0b\x0c\x12\x04\x2a\x02\x10\x01\x22\x00"))          // a group, and a request in two parts
	f.Add([]byte("\x12\x05\x2a\x03\x0a\x01a\x12\x04\x2a\x02\x10\x01")) // one that merges
	f.Fuzz(func(t *testing.T, wire []byte) {
		var want reflectpb.ServerReflectionResponse
		got, err := parseAnswer(wire)
		if proto.Unmarshal(wire, &want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("%x: %v", wire, err)
		}
		if of := generated(t, want.GetOriginalRequest()); got.of != of {
			t.Errorf("%x: answers %+v, want %+v", wire, got.of, of)
		}
		var services []string
		for _, s := range want.GetListServicesResponse().GetService() {
			services = append(services, s.GetName())
		}
		e := want.GetErrorResponse()
		same := slices.EqualFunc(got.files, want.GetFileDescriptorResponse().GetFileDescriptorProto(), slices.Equal[[]byte]) &&
			slices.Equal(got.numbers, want.GetAllExtensionNumbersResponse().GetExtensionNumber()) &&
			slices.Equal(got.services, services) && got.code == e.GetErrorCode() && got.message == e.GetErrorMessage()
		if !same || (got.kind == gotError) != (e != nil) || (got.kind == 0) != (want.GetMessageResponse() == nil) {
			t.Errorf("%x: got %+v, want %v", wire, got, &want)
		}
	})
}
