package discovery_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/discovery/skeleton"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	shopText = `
		name: "shop.proto" package: "shop" syntax: "proto3" dependency: "money.proto" dependency: "google/protobuf/timestamp.proto"
		message_type { name: "Order"
			field { name: "order_id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
			field { name: "total" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".common.Money" }
			field { name: "placed_at" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" } }
		service { name: "Shop" method { name: "Place" input_type: ".shop.Order" output_type: ".shop.Order" } }`
	moneyText = `
		name: "money.proto" package: "common" syntax: "proto3"
		message_type { name: "Money" field { name: "units" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 } }`
)

var shopFields = []string{"order_id string", "placed_at message google.protobuf.Timestamp", "total message common.Money"}

// book answers questions about symbols and files from a list of what it has, each
// with a whole answer.
type book map[string]*reflectpb.ServerReflectionResponse

func (b book) answer(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
	key := req.GetFileContainingSymbol() + req.GetFileByFilename()
	if req.GetListServices() != "" {
		key = "list"
	}
	if a, ok := b[key]; a != nil {
		return a, nil
	} else if ok {
		return nil, status.Error(codes.Internal, "panic")
	}
	return refusal(int32(codes.NotFound), "no "+key), nil
}

func TestReflectionForgives(t *testing.T) {
	shop, money := fileProto(t, shopText), fileProto(t, moneyText)
	bare := fileProto(t, strings.NewReplacer(
		`dependency: "money.proto"`, "", `dependency: "google/protobuf/timestamp.proto"`, "").Replace(shopText))
	relative := fileProto(t, strings.NewReplacer(
		`dependency: "money.proto"`, "", `dependency: "google/protobuf/timestamp.proto"`, "",
		`".common.`, `"common.`, `".shop.`, `"`, `".google.`, `"google.`).Replace(shopText))
	renamed := fileProto(t, strings.ReplaceAll(moneyText, `"money.proto"`, `"github.com/acme/money.proto"`))
	optional := fileProto(t, strings.Replace(shopText, `dependency: "money.proto"`, `dependency: "money.proto" dependency: "validate.proto"`, 1))
	liar := fileProto(t, `name: "liar.proto" package: "liar" syntax: "proto9"`)
	unused := fileProto(t, strings.Replace(shopText, `dependency: "money.proto"`, `dependency: "money.proto" dependency: "liar.proto"`, 1))
	timestamps := fileProto(t, `name: "google/protobuf/timestamp.proto" package: "google.protobuf" syntax: "proto3"
		message_type { name: "Timestamp" field { name: "lie" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }`)
	tests := []struct {
		name string
		book book
	}{
		{"imports before importers", book{"shop.Shop": files(money, shop)}},
		{"importers before imports", book{"shop.Shop": files(shop, money)}},
		{"imports by their names", book{"shop.Shop": files(shop), "money.proto": files(money)}},
		{"imports by their symbols", book{"shop.Shop": files(shop), "common.Money": files(money)}},
		{"imports under another name", book{"shop.Shop": files(shop), "money.proto": files(renamed)}},
		{"imports under another name, by symbol", book{"shop.Shop": files(shop), "common.Money": files(renamed)}},
		{"no list of imports", book{"shop.Shop": files(bare, money)}},
		{"no list of imports, types by symbol", book{"shop.Shop": files(bare), "common.Money": files(money)}},
		{"relative names", book{"shop.Shop": files(relative), "common.Money": files(money)}},
		{"relative names in one answer", book{"shop.Shop": files(relative, money)}},
		{"an import for options is missing", book{"shop.Shop": files(optional, money)}},
		{"an import that is not used is refused", book{"shop.Shop": files(unused, money, liar)}},
		{"a lie about a well-known type", book{"shop.Shop": files(shop, money, timestamps)}},
		{"the same file twice", book{"shop.Shop": files(shop, money, shop)}},
		{"an error for an import", book{"shop.Shop": files(optional, money), "validate.proto": refusal(int32(codes.Internal), "oops")}},
		{"a stream that ends for an import", book{"shop.Shop": files(optional, money), "validate.proto": nil}},
		{"an answer with garbage in it", book{"shop.Shop": withGarbage(files(shop, money))}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := discovery.Reflect(serve(t, test.book.answer, "v1"), discovery.ReflectOptions{})
			defer r.Close()
			m, err := discovery.FindMethod(t.Context(), r, "shop.Shop/Place")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shopFields, fieldTypes(m.Input())); diff != "" {
				t.Error(diff)
			}
			if f := m.Input().Fields().ByName("order_id"); f.JSONName() != "orderId" {
				t.Errorf("JSON name %q", f.JSONName())
			}
			at := m.Input().Fields().ByName("placed_at").Message()
			if at.Fields().ByName("seconds") == nil {
				t.Error("the timestamp is not the well-known one")
			}
		})
	}
}

// withGarbage puts bytes that are no file into an answer.
func withGarbage(r *reflectpb.ServerReflectionResponse) *reflectpb.ServerReflectionResponse {
	f := r.GetFileDescriptorResponse()
	f.FileDescriptorProto = append([][]byte{{0xff, 0xff, 0xff}, nil, []byte("hello")}, f.FileDescriptorProto...)
	return r
}

// A JSON name that the schema gives is kept, even if it is the field's own name.
func TestReflectionJSONName(t *testing.T) {
	file := fileProto(t, strings.Replace(shopText, `name: "order_id"`, `name: "order_id" json_name: "order_id"`, 1))
	b := book{"shop.Shop": files(file, fileProto(t, moneyText))}
	r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
	defer r.Close()
	m, err := discovery.FindMethod(t.Context(), r, "shop.Shop/Place")
	if err != nil {
		t.Fatal(err)
	}
	if f := m.Input().Fields().ByJSONName("order_id"); f == nil {
		t.Error("the JSON name is lost")
	}
}

// JSON names that would spoil the output are replaced by those that follow from the names.
func TestReflectionLyingJSONNames(t *testing.T) {
	b := book{"p.M": files(fileProto(t, `name: "p.proto" package: "p" syntax: "proto3" message_type { name: "M"
		field { name: "one_a" json_name: "same" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
		field { name: "two_b" json_name: "same" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING }
		field { name: "three_c" json_name: "\033[2J" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING }
		field { name: "four_d" json_name: "" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING }
		field { name: "five_e" json_name: "Own" number: 5 label: LABEL_OPTIONAL type: TYPE_STRING }
		field { name: "six__f_1" number: 6 label: LABEL_OPTIONAL type: TYPE_STRING } }`))}
	r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
	defer r.Close()
	fields := message(t, r, "p.M").Fields()
	var got []string
	for i := range fields.Len() {
		got = append(got, fields.Get(i).JSONName())
	}
	if diff := cmp.Diff([]string{"oneA", "twoB", "threeC", "fourD", "Own", "sixF1"}, got); diff != "" {
		t.Error(diff)
	}
}

// A server that answers each question just in time, and makes ever more of them necessary,
// does not block a lookup for ever.
func TestReflectionDrips(t *testing.T) {
	const limit = 50 * time.Millisecond
	drip := func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		<-time.After(limit / 2)
		at := 0
		if path := req.GetFileByFilename(); path != "" {
			fmt.Sscanf(path, "f%d.proto", &at)
		}
		return files(fileProto(t, fmt.Sprintf(`name: "f%d.proto" package: "p" syntax: "proto3" dependency: "f%d.proto" message_type { name: "M%d" }`, at, at+1, at))), nil
	}
	r := discovery.Reflect(serve(t, drip, "v1"), discovery.ReflectOptions{Timeout: limit})
	defer r.Close()
	_, err := r.Find(t.Context(), "p.M0")
	wantCode(t, err, codes.Unavailable)
}

// A reflection service that makes one file of each package: no imports, relative
// names, map entries under other names, and packages that need each other.
func TestReflectionMergedPackages(t *testing.T) {
	v1 := fileProto(t, `
		name: "shop_v1.proto" package: "shop.v1" syntax: "proto3"
		message_type { name: "Order"
			field { name: "order_id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
			field { name: "total" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "common.Money" }
			field { name: "at" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "google.protobuf.Timestamp" }
			field { name: "prices_by_sku" number: 4 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "Prices_by_sku" }
			field { name: "lines" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: "Line" }
			field { name: "stage" number: 6 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: "Stage" }
			field { name: "parent" number: 7 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "Order" }
			field { name: "ring" number: 8 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "Ring" }
			field { name: "gift" number: 9 label: LABEL_OPTIONAL type: TYPE_INT32 oneof_index: 0 }
			field { name: "card" number: 10 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 1 }
			oneof_decl { name: "_gift" } oneof_decl { name: "payment" }
			nested_type { name: "Prices_by_sku" options { map_entry: true }
				field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
				field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "common.Money" } }
			nested_type { name: "Line" field { name: "sku" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } } }
		message_type { name: "Ring" field { name: "order" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "Order" } }
		message_type { name: "Ref" field { name: "id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }
		enum_type { name: "Stage" value { name: "STAGE_UNSPECIFIED" number: 0 } }
		service { name: "Shop" method { name: "Place" input_type: ".shop.v1.Order" output_type: ".shop.v1.Ref" } }`)
	common := fileProto(t, `
		name: "shop_common.proto" package: "shop.common" syntax: "proto3"
		message_type { name: "Money" field { name: "units" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 } }
		message_type { name: "Audit" field { name: "subject" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: "v1.Ref" } }
		service { name: "Audits" method { name: "Get" input_type: ".shop.v1.Ref" output_type: ".shop.common.Audit" } }`)
	wellKnown := fileProto(t, `
		name: "google_protobuf.proto" package: "google.protobuf" syntax: "proto3"
		message_type { name: "Timestamp"
			field { name: "seconds" number: 1 label: LABEL_OPTIONAL type: TYPE_INT64 }
			field { name: "nanos" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 } }`)
	bare := fileProto(t, `
		name: "root.proto" syntax: "proto3"
		message_type { name: "M" }
		service { name: "Bare" method { name: "Do" input_type: ".M" output_type: ".M" } }`)
	b := book{
		"list":               listing("shop.v1.Shop", "shop.common.Audits", ".Bare"),
		"shop.v1.Shop":       files(v1, common, wellKnown),
		"shop.common.Audits": files(common, v1, wellKnown),
		".Bare":              files(bare),
	}
	for _, order := range [][]string{{"Shop/Place", "Audits/Get", "Bare/Do"}, {"Do", "Get", "Place"}} {
		r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
		defer r.Close()
		for _, name := range order {
			m, err := discovery.FindMethod(t.Context(), r, name)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if _, err := skeleton.Of(m.Input()); err != nil {
				t.Error(err)
			}
			if m.Name() != "Place" {
				continue
			}
			want := []string{
				"at message google.protobuf.Timestamp", "card string", "gift int32", "lines message shop.v1.Order.Line", "order_id string",
				"parent message shop.v1.Order", "prices_by_sku message shop.v1.Order.PricesBySkuEntry",
				"ring message shop.v1.Ring", "stage enum shop.v1.Stage", "total message shop.common.Money",
			}
			if diff := cmp.Diff(want, fieldTypes(m.Input())); diff != "" {
				t.Error(diff)
			}
			if f := m.Input().Fields().ByName("gift"); !f.HasOptionalKeyword() {
				t.Error("the optional field is not one")
			}
			if f := m.Input().Fields().ByName("prices_by_sku"); !f.IsMap() {
				t.Error("the map is not one")
			}
		}
	}
}

// What a server gets wrong is named, and does not spoil what it gets right.
func TestReflectionNamesTheCulprit(t *testing.T) {
	good := fileProto(t, `name: "good.proto" package: "good" syntax: "proto3" message_type { name: "M" }
		service { name: "Good" method { name: "Do" input_type: ".good.M" output_type: ".good.M" } }`)
	service := func(text string) *descriptorpb.FileDescriptorProto {
		return fileProto(t, `name: "bad.proto" package: "bad" syntax: "proto3"
			service { name: "Bad" method { name: "Do" input_type: ".bad.M" output_type: ".bad.M" } } `+text)
	}
	deep := `message_type { name: "M" `
	deep = strings.Repeat(strings.Replace(deep, "message_type", "nested_type", 1), 100)
	tests := []struct {
		name  string
		files []*descriptorpb.FileDescriptorProto
		want  string
	}{
		{"a type that nobody has", []*descriptorpb.FileDescriptorProto{service("")}, "type bad.M: "},
		{"a type from an import that is missing", []*descriptorpb.FileDescriptorProto{
			service(`dependency: "gone.proto" dependency: "good.proto"`),
		}, `type bad.M: import "gone.proto": it is not there`},
		{"a type from an import that is refused", []*descriptorpb.FileDescriptorProto{
			service(`dependency: "m.proto"`), fileProto(t, `name: "m.proto" package: "bad" syntax: "proto3" message_type { name: "M" field { name: "f" number: 0 label: LABEL_OPTIONAL type: TYPE_STRING } }`),
		}, `type bad.M: descriptor of "m.proto" from reflection: field "bad.M.f" has number 0`},
		{"an import cycle", []*descriptorpb.FileDescriptorProto{
			service(`dependency: "m.proto"`), fileProto(t, `name: "m.proto" package: "bad" syntax: "proto3" dependency: "bad.proto"
				message_type { name: "M" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".bad.N" } }`),
		}, "type bad.N: "},
		{"a oneof that is not there", []*descriptorpb.FileDescriptorProto{
			service(`message_type { name: "M" field { name: "f" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING oneof_index: 3 } }`),
		}, `field "bad.M.f" is in oneof 3 of 0`},
		{"a name that is not one", []*descriptorpb.FileDescriptorProto{
			service(`message_type { name: "M" field { name: "f\033[2J" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }`),
		}, `is not a name`},
		{"an edition of the future", []*descriptorpb.FileDescriptorProto{
			fileProto(t, `name: "cmd/protoc-gen-go/testdata/bad.proto" package: "bad" syntax: "editions" edition: EDITION_99999_TEST_ONLY
				message_type { name: "M" } service { name: "Bad" method { name: "Do" input_type: ".bad.M" output_type: ".bad.M" } }`),
		}, "edition 99999_TEST_ONLY is not supported"},
		{"messages without end", []*descriptorpb.FileDescriptorProto{
			service(strings.Replace(deep, "nested_type", "message_type", 1) + strings.Repeat("}", 100)),
		}, "nested more than 64 deep"},
		{"two fields of one number", []*descriptorpb.FileDescriptorProto{
			service(`message_type { name: "M" field { name: "a" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
				field { name: "b" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING } }`),
		}, "conflicting fields"},
		{"a message set", []*descriptorpb.FileDescriptorProto{
			service(`message_type { name: "M" options { message_set_wire_format: true } }`),
		}, "MessageSet"},
		{"a type that the server fails on", []*descriptorpb.FileDescriptorProto{service(`dependency: "fails.proto"`)}, "oops"},
		{"another file", []*descriptorpb.FileDescriptorProto{good}, "the server's answer does not declare it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := book{
				"list": listing("good.Good", "bad.Bad"), "bad.Bad": files(test.files...), "good.Good": files(good), "good.proto": files(good),
				"fails.proto": refusal(int32(codes.Internal), "oops"),
			}
			r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
			defer r.Close()
			_, err := discovery.FindMethod(t.Context(), r, "bad.Bad/Do")
			var de *discovery.DescriptorError
			if !errors.As(err, &de) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
			if errors.Is(err, discovery.ErrNotFound) {
				t.Errorf("%v is taken for a name that is missing", err)
			}
			if _, err := discovery.FindMethod(t.Context(), r, "good.Good/Do"); err != nil {
				t.Errorf("the other service: %v", err)
			}
			if m, err := discovery.FindMethod(t.Context(), r, "Good/Do"); err != nil || m == nil {
				t.Errorf("the other service by its short name: %v", err)
			}
		})
	}
}

// Paths along public imports double with each file, and the library follows all.
func TestReflectionPublicImports(t *testing.T) {
	const levels = 40
	var all []*descriptorpb.FileDescriptorProto
	for i := range levels {
		for _, side := range "ab" {
			text := fmt.Sprintf(`name: "f%d%c.proto" package: "p" syntax: "proto3" message_type { name: "M%d%c" } `, i, side, i, side)
			if i < levels-1 {
				text += fmt.Sprintf(`dependency: "f%da.proto" dependency: "f%db.proto" public_dependency: 0 public_dependency: 1`, i+1, i+1)
			}
			all = append(all, fileProto(t, text))
		}
	}
	s, err := discovery.ParseProtoset("p", protoset(t, all...))
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := range levels {
		_, err := s.Find(t.Context(), protoreflect.FullName(fmt.Sprintf("p.M%da", i)))
		if err != nil && !strings.Contains(err.Error(), "public imports") {
			t.Error(err)
		}
		if err != nil {
			refused++
		}
	}
	// A file that imports a refused one does not need it, and starts from zero.
	if refused == 0 || refused > levels/10 {
		t.Errorf("%d of %d levels are refused", refused, levels)
	}
}

func TestReflectionStreams(t *testing.T) {
	shop, money := fileProto(t, shopText), fileProto(t, moneyText)
	var asked []string
	note := func(req *reflectpb.ServerReflectionRequest) string {
		q := req.GetFileContainingSymbol() + req.GetFileByFilename() + req.GetListServices()
		asked = append(asked, q)
		return q
	}
	tests := []struct {
		name   string
		answer answerer
		find   []protoreflect.FullName
		want   []string // the questions
	}{
		{
			"ends the stream with an error for an unknown symbol",
			func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
				if q := note(req); q == "shop.Shop" {
					return files(shop, money), nil
				}
				return nil, status.Error(codes.NotFound, "no such symbol")
			},
			[]protoreflect.FullName{"shop.None", "shop.Shop", "shop.No"},
			[]string{"shop.None", "shop.Shop", "shop.No"},
		},
		{
			"ends the stream after each answer",
			func(req *reflectpb.ServerReflectionRequest, nth int) (*reflectpb.ServerReflectionResponse, error) {
				if nth > 0 {
					return nil, nil
				}
				if q := note(req); q == "shop.Shop" {
					return files(shop), nil
				} else if q == "money.proto" {
					return files(money), nil
				}
				return refusal(int32(codes.NotFound), "no"), nil
			},
			[]protoreflect.FullName{"shop.None", "shop.Shop", "shop.No"},
			[]string{"shop.None", "shop.Shop", "money.proto", "shop.No"},
		},
		{
			"leaves out what it sent",
			func(req *reflectpb.ServerReflectionRequest, nth int) (*reflectpb.ServerReflectionResponse, error) {
				switch note(req) {
				case "common.Money":
					return files(money), nil
				case "shop.Shop":
					return files(shop), nil
				}
				return refusal(int32(codes.NotFound), "no"), nil
			},
			[]protoreflect.FullName{"common.Money", "shop.Shop", "shop.Order"},
			[]string{"common.Money", "shop.Shop"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			asked = nil
			r := discovery.Reflect(serve(t, test.answer, "v1"), discovery.ReflectOptions{})
			defer r.Close()
			for _, name := range test.find {
				_, err := r.Find(t.Context(), name)
				if missing := strings.HasPrefix(string(name), "shop.No"); errors.Is(err, discovery.ErrNotFound) != missing || !missing && err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if diff := cmp.Diff(test.want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Answers that nobody asked for are not taken for those to other questions.
func TestReflectionRepeatsItself(t *testing.T) {
	shop, money := fileProto(t, shopText), fileProto(t, moneyText)
	b := book{"list": listing("shop.Shop", "x.X"), "shop.Shop": files(shop), "money.proto": files(money)}
	for _, echo := range []bool{true, false} {
		r := discovery.Reflect(serveMany(t, func(req *reflectpb.ServerReflectionRequest, nth int) []*reflectpb.ServerReflectionResponse {
			a, _ := b.answer(req, nth)
			if !echo {
				return []*reflectpb.ServerReflectionResponse{a}
			}
			a = proto.CloneOf(a)
			a.OriginalRequest = req
			return []*reflectpb.ServerReflectionResponse{a, a, a}
		}), discovery.ReflectOptions{})
		defer r.Close()
		for range 2 {
			if _, err := r.Services(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := r.Find(t.Context(), "shop.None"); !errors.Is(err, discovery.ErrNotFound) {
				t.Error(err)
			}
			if _, err := discovery.FindMethod(t.Context(), r, "Place"); err != nil {
				t.Error(err)
			}
		}
	}
}

// A method name alone is asked for in many services without waiting for each answer, and
// services without a descriptor are skipped.
func TestReflectionPrefetch(t *testing.T) {
	b := book{}
	var names []string
	for i := range 200 {
		name := fmt.Sprintf("p%d.S", i)
		names = append(names, name)
		if i%10 != 3 {
			b[name] = files(fileProto(t, fmt.Sprintf(`name: "p%d.proto" package: "p%d" syntax: "proto3" message_type { name: "M" }
				service { name: "S" method { name: "Do%d" input_type: ".p%d.M" output_type: ".p%d.M" } }`, i, i, i, i, i)))
		}
	}
	b["list"] = listing(names...)
	r := discovery.Reflect(serve(t, b.answer, "v1"), discovery.ReflectOptions{})
	defer r.Close()
	m, err := discovery.FindMethod(t.Context(), r, "Do77")
	if err != nil {
		t.Fatal(err)
	}
	if got := invoke.MethodName(m); got != "p77.S/Do77" {
		t.Errorf("found %s", got)
	}
	_, err = discovery.FindMethod(t.Context(), r, "Do777")
	var ue *discovery.UnknownError
	if !errors.As(err, &ue) || !slices.Contains(ue.Near, "p77.S/Do77") {
		t.Errorf("error %v", err)
	}
}
