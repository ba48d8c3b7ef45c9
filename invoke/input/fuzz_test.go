package input

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// pieces is an input that comes in pieces: of the lengths that the bytes of cuts say, again
// and again.
type pieces struct {
	data, cuts []byte
	offset     int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := len(p.data)
	if len(p.cuts) > 0 {
		n = min(n, 1+int(p.cuts[p.offset%len(p.cuts)]))
		p.offset++
	}
	n = copy(b[:min(n, len(b))], p.data)
	p.data = p.data[n:]
	return n, nil
}

// drain returns all messages, and the rendered error.
func drain(src *Source, err error) (msgs [][]byte, last string) {
	for err == nil {
		var wire []byte
		if wire, err = src.Next(context.Background()); err == nil {
			msgs = append(msgs, bytes.Clone(wire))
		}
	}
	var e *Error
	if errors.As(err, &e) {
		last = fmt.Sprintf("%+v\n%s", e.Faults, e.Render(40))
	} else if err != io.EOF {
		last = "not an *Error: " + err.Error()
	}
	return msgs, last
}

// FuzzSplitStream reads an input in pieces of all sizes and at once: the messages and the
// error must be the same.
func FuzzSplitStream(f *testing.F) {
	s := loadSchema(f)
	for i, text := range []string{
		`{"id":"a"}{"id":"b"}` + "\n\n" + `{"n":1}`, "// c\n{} /* x */ {}", `{"id":"` + "\n", "\xef\xbb\xbf{}", "{\"id\":\"é日\"} }", "{}\x00{}",
		"id: a\n---\nid: b\n...\n--- {n: 1}\n", "%YAML 1.2\n---\na", "id: 'a'\x1en: 1\x1e\x1e", "\x03\x0a\x01a\x00\xff\xff", "\xff\xfe{\x00", "'a' nul {",
	} {
		f.Add([]byte(text), []byte{0}, byte(i))
		f.Add([]byte(text), []byte{1, 2, 0}, byte(i+5))
	}
	f.Fuzz(func(t *testing.T, data, cuts []byte, how byte) {
		o := s.options()
		o.Format = Formats()[how%4]
		o.Streams = how&4 == 0
		o.Strict = how&8 != 0
		read := func(cuts []byte) ([][]byte, string) {
			o.Stdin = &pieces{data: data, cuts: cuts}
			return drain(New([]Part{{Text: "-", Origin: "argument 1"}}, o))
		}
		want, wantErr := read(nil)
		got, gotErr := read(cuts)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages of %q as %s (-at once +in pieces):\n%s", data, o.Format, diff)
		}
		if diff := cmp.Diff(wantErr, gotErr); diff != "" {
			t.Errorf("error of %q as %s (-at once +in pieces):\n%s", data, o.Format, diff)
		}
		if strings.HasPrefix(gotErr, "not an *Error") {
			t.Error(gotErr)
		}
		for _, wire := range got {
			if o.Format != FormatRaw && (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(wire, dynamicpb.NewMessage(s.order)) != nil {
				t.Errorf("%q became %x, which is no message", data, wire)
			}
		}
	})
}

// FuzzWords applies words to a document. What is taken must be a message that its own JSON
// makes again.
func FuzzWords(f *testing.F) {
	s := loadSchema(f)
	for _, words := range []string{
		"id=a\nn=5", "items[+].sku=a\nitems[-1].qty=2", `labels["a]b"]=x`, "detail.@type=shop.Card\ndetail.cvc=1", "meta.a[0].b=1\nmeta.a[+]:=2",
		"old.[shop.ext.rank]=5", "tags:=[\"a\"]\ntags[0]=null", "blob=0x00", "at=now\ntimes[]=2026-01-02T03:04:05Z", "free[a][b][]=x", "iban=a\ncard.cvc=1",
		"by_number[-1].sku=x", "ship_to.next.next.city=x", "count=5\nnote=\\@x", "values[].a=1\nlist[]:={}", "kind=toy\ngift=true", "ratio=-Infinity",
	} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "=@") {
			return // files
		}
		o := s.options()
		msgs, bad := drain(New(parts(strings.Split(text, "\n")...), o))
		if bad != "" {
			if strings.HasPrefix(bad, "not an *Error") {
				t.Error(bad)
			}
			return
		}
		m := dynamicpb.NewMessage(s.order)
		if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(msgs[0], m); err != nil {
			t.Fatalf("%q became %x: %v", text, msgs[0], err)
		}
		json, ok := s.json(m)
		if !ok {
			return // such as an Any whose value stands for nothing in JSON
		}
		again, bad := drain(New([]Part{{Text: string(json), Data: true}}, o))
		if bad != "" {
			t.Fatalf("%q became %s, which is not taken again: %s", text, json, bad)
		}
		b := dynamicpb.NewMessage(s.order)
		if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(again[0], b); err != nil {
			t.Fatal(err)
		}
		if json2, _ := s.json(b); !bytes.Equal(json, json2) {
			t.Errorf("%q became %s, and that %s", text, json, json2)
		}
	})
}

// FuzzYAML checks that YAML is either accepted or rejected with a place.
func FuzzYAML(f *testing.F) {
	s := loadSchema(f)
	for _, text := range []string{
		"id: x\nitems:\n  - sku: a\n    qty: 0x10\n", "{\"id\": \"x\", \"n\": 5}", "a: &a [*a]", "x: &x {id: y}\n<<: *x\n", "tags: [a, 'b', \"c\\n\"]\n",
		"? id\n: x\n", "id: !!str 5\n", "id: |\n  a\n  b\n", "id: >-\n  a\n  b\n", "labels:\n  1: a\n  yes: b\n", "n: 010", "price: .5e3", "blob: !!binary |\n aGk=\n",
		"# c\n", "--- a\n--- b", "id: \"\\ud800\"", "{id: x", "\t- a", "a: b: c", "&a *a", "<<: {id: x}\nid: y",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := s.options()
		o.Format = FormatYAML
		wire, err := decodeDocument([]byte(text), "-d", o)
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("not an *Error: %v", err)
		}
		if err != nil {
			for _, f := range e.Faults {
				if f.Problem == "" || f.Offset > int64(len(text)) || f.Start > f.End || f.End > len(f.Text) {
					t.Errorf("%q: a fault out of place: %+v", text, f)
				}
			}
			return
		}
		if (proto.UnmarshalOptions{AllowPartial: true, Resolver: s.types}).Unmarshal(wire, dynamicpb.NewMessage(s.order)) != nil {
			t.Errorf("%q became %x, which is no message", text, wire)
		}
	})
}
