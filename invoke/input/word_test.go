package input

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWords(t *testing.T) {
	s := loadSchema(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return "@" + path
	}
	photo := file("photo.png", "\x89PNG\x00")
	note := file("note.txt", "hello\n")
	addr := file("addr.yaml", "city: Oslo\n")

	tests := []struct {
		name  string
		words []string
		want  string // protobuf JSON
	}{
		{"string", []string{"id=two words"}, `{"id":"two words"}`},
		{"empty string", []string{"id="}, `{}`},
		{"string with =", []string{"id=a=b:=c"}, `{"id":"a=b:=c"}`},
		{"string null", []string{"id=null"}, `{"id":"null"}`},
		{"string from a file", []string{"id=" + note}, `{"id":"hello\n"}`},
		{"string with a sign", []string{`id=\@x`}, `{"id":"@x"}`},
		{"string in JSON", []string{`id:="@x"`}, `{"id":"@x"}`},
		{"string with a backslash", []string{`id=\x`}, `{"id":"\\x"}`},
		{
			"numbers",
			[]string{"big=-9223372036854775808", "n=7", "huge=18446744073709551615", "price=1.5", "ratio=NaN", "maybe=0"},
			`{"big":"-9223372036854775808","n":7,"huge":"18446744073709551615","price":1.5,"ratio":"NaN","maybe":0}`,
		},
		{"bool", []string{"gift=true"}, `{"gift":true}`},
		{"enum", []string{"kind=KIND_TOY"}, `{"kind":"KIND_TOY"}`},
		{"enum, short", []string{"kind=BOOK"}, `{"kind":"KIND_BOOK"}`},
		{"enum, number", []string{"kind=1"}, `{"kind":"KIND_TOY"}`},
		{"enum, unknown number", []string{"kind=-7"}, `{"kind":-7}`},
		{"time", []string{"at=2026-01-02T03:04:05Z"}, `{"at":"2026-01-02T03:04:05Z"}`},
		{"now", []string{"at=now"}, `{"at":"2026-01-02T03:04:05Z"}`},
		{"duration", []string{"delay=1.5s"}, `{"delay":"1.500s"}`},
		{"field mask", []string{"mask=id,shipTo.city"}, `{"mask":"id,shipTo.city"}`},
		{"bytes from a file", []string{"blob=" + photo}, `{"blob":"iVBORwA="}`},
		{"bytes, hexadecimal", []string{"blob=0x6869"}, `{"blob":"aGk="}`},
		{"bytes, base64", []string{"blob=aGk="}, `{"blob":"aGk="}`},
		{"bytes, URL alphabet, no padding", []string{"blob=-_8"}, `{"blob":"+/8="}`},
		{"bytes, text", []string{"blob=text:hi"}, `{"blob":"aGk="}`},
		{"wrappers", []string{"note=null", "count=5", "raw=0x00"}, `{"note":"null","count":"5","raw":"AA=="}`},
		{"lowerCamel", []string{"shipTo.zipCode=1"}, `{"shipTo":{"zipCode":"1"}}`},
		{"proto names", []string{"ship_to.zip_code=1", "ship_to.city=x"}, `{"shipTo":{"zipCode":"1","city":"x"}}`},
		{"a message from a file", []string{"ship_to=" + addr}, `{"shipTo":{"city":"Oslo"}}`},
		{"an element from a file", []string{"places[a]=" + addr}, `{"places":{"a":{"city":"Oslo"}}}`},
		{"lists", []string{"tags[]=a", "tags[+]=b", "tags[2]=d"}, `{"tags":["a","b","d"]}`},
		{
			"list of messages",
			[]string{"items[0].sku=a", "items[+].sku=b", "items[-1].qty=2", "items[0].tags[]=x"},
			`{"items":[{"sku":"a","tags":["x"]},{"sku":"b","qty":2}]}`,
		},
		{"list in JSON", []string{`tags:=["a","b"]`, "tags[]=c"}, `{"tags":["a","b","c"]}`},
		{"element in JSON", []string{`items[]:={"sku":"a",}`, "numbers[]:=5"}, `{"items":[{"sku":"a"}],"numbers":[5]}`},
		{"list of times", []string{"times[]=now"}, `{"times":["2026-01-02T03:04:05Z"]}`},
		{
			"map",
			[]string{"labels[env]=prod", `labels["a]b"]=x`, `labels['c"d']=y`, "labels[a.b/c]=z", "labels[]="},
			`{"labels":{"":"","a.b/c":"z","a]b":"x","c\"d":"y","env":"prod"}}`,
		},
		{"map of messages", []string{"by_number[-7].sku=a", "byNumber[-7].qty=1", `by_number[8]:={"qty":3}`}, `{"byNumber":{"-7":{"sku":"a","qty":1},"8":{"qty":3}}}`},
		{"map with other keys", []string{"by_flag[true]=TOY", "by_size[18446744073709551615]=x"}, `{"byFlag":{"true":"KIND_TOY"},"bySize":{"18446744073709551615":"x"}}`},
		{"map in JSON", []string{`labels:={a:'b'}`}, `{"labels":{"a":"b"}}`},
		{"null removes", []string{`ship_to:={"city":"x"}`, "ship_to=null", "n=null", "tags[]=a", "tags[]=b", "tags[0]:=null", "labels[x]=1", "labels[x]:=null"}, `{"tags":["b"]}`},
		{"null makes nothing", []string{"ship_to.city:=null", "ship_to.next.next=null", "by_number[1].qty=null"}, `{}`},
		{"oneof", []string{"card.number=1", "card.cvc=2"}, `{"card":{"number":"1","cvc":2}}`},
		{"oneof, one removed", []string{"iban=x", "iban:=null", "card_token=y"}, `{"cardToken":"y"}`},
		{
			"struct",
			[]string{"meta.a.b=x", "meta.a[c d]=5", "meta.n:=5", "meta.list[]=p", "meta.list[+].q=r", "meta.nil:=null", `meta.o["0"]=z`, "meta.@type=t"},
			`{"meta":{"@type":"t","a":{"b":"x","c d":"5"},"list":["p",{"q":"r"}],"n":5,"nil":null,"o":{"0":"z"}}}`,
		},
		{"value", []string{"free=5"}, `{"free":"5"}`},
		{"value in JSON", []string{`free:=[1,{"a":null}]`, "free[1].b=x"}, `{"free":[1,{"a":null,"b":"x"}]}`},
		{"list value", []string{"list[]=a", "list[+]:=1", "list[2].x=b"}, `{"list":["a",1,{"x":"b"}]}`},
		{"values", []string{"values[]:=null", "values[].a=x"}, `{"values":[null,{"a":"x"}]}`},
		{"null value", []string{"nothing=null"}, `{}`},
		{"any", []string{"detail.@type=shop.Card", "detail.number=1", "detail.cvc=2"}, `{"detail":{"@type":"type.googleapis.com/shop.Card","number":"1","cvc":2}}`},
		{"any with a URL", []string{"detail.@type=example.com/shop.Card"}, `{"detail":{"@type":"example.com/shop.Card"}}`},
		{"any of one value", []string{"detail.@type=google.protobuf.Duration", "detail.value=1s"}, `{"detail":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}`},
		{"any of a wrapper", []string{"detail.@type=google.protobuf.Int32Value", "detail.value=5"}, `{"detail":{"@type":"type.googleapis.com/google.protobuf.Int32Value","value":5}}`},
		{"any of a struct", []string{"detail.@type=google.protobuf.Struct", "detail.value.a=x"}, `{"detail":{"@type":"type.googleapis.com/google.protobuf.Struct","value":{"a":"x"}}}`},
		{"any in JSON", []string{`detail:={"@type":"type.googleapis.com/shop.Card","cvc":1}`, "detail.number=2"}, `{"detail":{"@type":"type.googleapis.com/shop.Card","number":"2","cvc":1}}`},
		{"any in a list", []string{"details[].@type=shop.Card", "details[0].cvc=1"}, `{"details":[{"@type":"type.googleapis.com/shop.Card","cvc":1}]}`},
		{
			"extension",
			[]string{"old.[shop.ext.rank]=5", "old.[shop.ext.where].x=1", "old.[shop.ext.words][]=a", "old.name=n", "old.Extra.level=2"},
			`{"old":{"name":"n","extra":{"level":2},"[shop.ext.rank]":5,"[shop.ext.where]":{"x":1},"[shop.ext.words]":["a"]}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.run(t, parts(tt.words...), s.options())
			if err != nil {
				t.Fatal(err)
			}
			want := []string{s.show(t, s.wireOf(t, tt.want))}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
			src, err := New(parts(tt.words...), s.options())
			if err != nil {
				t.Fatal(err)
			}
			wire, err := src.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(s.wireOf(t, tt.want), wire); diff != "" {
				t.Errorf("wire bytes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWordsChangeADocument(t *testing.T) {
	s := loadSchema(t)
	base := `{"id":"x","items":[{"sku":"a"},{"sku":"b"}],"labels":{"k":"v"},"cardToken":"c","detail":{"@type":"t/shop.Card","cvc":1}}`
	tests := []struct {
		name  string
		words []string
		want  string
	}{
		{"the last element", []string{`items[-1]:={}`}, `{"id":"x","items":[{"sku":"a"},{}],"labels":{"k":"v"},"cardToken":"c","detail":{"@type":"t/shop.Card","cvc":1}}`},
		{"an element", []string{"items[1].qty=2"}, `{"id":"x","items":[{"sku":"a"},{"sku":"b","qty":2}],"labels":{"k":"v"},"cardToken":"c","detail":{"@type":"t/shop.Card","cvc":1}}`},
		{"another member of a oneof", []string{"iban=i", "detail=null"}, `{"id":"x","items":[{"sku":"a"},{"sku":"b"}],"labels":{"k":"v"},"iban":"i"}`},
		{"the value of an Any", []string{"detail.number=5", "items:=[]", "labels=null"}, `{"id":"x","cardToken":"c","detail":{"@type":"t/shop.Card","number":"5","cvc":1}}`},
		{"another type of an Any", []string{"detail.@type=shop.Item", "detail.qty=1", "items=null", "labels[k]=null"}, `{"id":"x","labels":{"k":"null"},"cardToken":"c","detail":{"@type":"type.googleapis.com/shop.Item","qty":1}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.run(t, parts(append([]string{base}, tt.words...)...), s.options())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{s.show(t, s.wireOf(t, tt.want))}, got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}
