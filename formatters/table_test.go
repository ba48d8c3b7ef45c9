package formatters

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/internal/width"
	"github.com/rpcctl/rpcctl/invoke"
)

func TestTable(t *testing.T) {
	files := kitchen(t)
	md := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dish")
	list := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dishes")
	value := descriptor[protoreflect.MessageDescriptor](t, filesOf(md), "google.protobuf.Value")
	watch := descriptor[protoreflect.MethodDescriptor](t, files, "kitchen.v1.Kitchen.Watch")
	dishes := []*invoke.Message{
		message(t, md, `name: "soup" price_cents: 450 heat: HEAT_HOT made { seconds: 1700000000 } side { name: "bread" pieces: 2 }`),
		message(t, md, `name: "a very long dish with a name that does not end \u202e\n" price_cents: 12345`),
		message(t, md, `name: "寿司" price_cents: 5 labels { key: "k" value: "v" }`),
		message(t, md, ``),
	}
	menu := message(t, list, `dishes { name: "soup" price_cents: 450 } dishes { name: "rice" price_cents: 50 heat: HEAT_MILD } next_page_token: "p2"`)
	tests := []struct {
		name     string
		o        Options
		messages []*invoke.Message
	}{
		{"stream", Options{}, dishes},
		{"terminal", Options{Width: 60}, dishes},
		{"narrow", Options{Width: 8}, dishes},
		{"color", Options{Color: true}, dishes[:1]},
		{"columns", Options{Columns: []string{"price_cents", "name", "side.name", "labels.k"}}, dishes},
		{"proto names", Options{ProtoNames: true}, dishes[:1]},
		{"list", Options{}, []*invoke.Message{menu}},
		{"list by name", Options{Field: "dishes", Columns: []string{"name"}}, []*invoke.Message{menu}},
		{"list with columns", Options{Columns: []string{"nextPageToken", "dishes"}}, []*invoke.Message{menu}},
		{"values", Options{}, []*invoke.Message{message(t, value, `number_value: 1`), message(t, value, `string_value: "two"`)}},
		{"empty", Options{}, []*invoke.Message{message(t, list, "")}},
	}
	var b strings.Builder
	for _, test := range tests {
		var out strings.Builder
		p, err := New(Table, &out, test.o)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range test.messages {
			e := response(m, i)
			if m.Desc == md {
				e.Call = &invoke.Call{Method: watch}
			}
			if err := p.Event(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		harmless(t, test.name, uncolored(out.String()))
		for line := range strings.Lines(out.String()) {
			if test.o.Width >= 60 && width.Of(strings.TrimSuffix(line, "\n")) > test.o.Width {
				t.Errorf("%s: a line is too wide: %s", test.name, line)
			}
		}
		fmt.Fprintf(&b, "-- %s --\n%s", test.name, out.String())
	}
	golden(t, "table", b.String())
}

func TestTableColumnsThatComeLater(t *testing.T) {
	md := dish(t)
	var messages []*invoke.Message
	for range sampleRows {
		messages = append(messages, message(t, md, `name: "soup"`))
	}
	messages = append(messages, message(t, md, `name: "rice" pieces: 3`), message(t, md, `name: "tea"`))
	got := print(t, Table, Options{}, messages...)
	want := "name\n" + strings.Repeat("soup\n", sampleRows) + "\nname  pieces\nrice       3\ntea\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTableDoesNotWait(t *testing.T) {
	md := dish(t)
	soup := message(t, md, `name: "soup"`)
	synctest.Test(t, func(t *testing.T) {
		w := &writes{start: time.Now()}
		p, err := New(Table, w, Options{})
		if err != nil {
			t.Fatal(err)
		}
		event := func() {
			if err := p.Event(&invoke.Event{Kind: invoke.ResponseReceived, At: time.Now(), Message: soup}); err != nil {
				t.Fatal(err)
			}
		}
		event()
		time.Sleep(time.Millisecond)
		event()
		time.Sleep(time.Second)
		event()
		if err := p.Event(&invoke.Event{Kind: invoke.Finished, At: time.Now(), Status: &invoke.Status{}}); err != nil {
			t.Fatal(err)
		}
		if err := p.Flush(); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"name\nsoup\nsoup\n", "soup\n"}, w.each); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		if w.times[0] > sampleDelay || w.times[1] != time.Second+time.Millisecond {
			t.Errorf("written at %v", w.times)
		}
	})
}

func TestFieldErrors(t *testing.T) {
	files := kitchen(t)
	method := descriptor[protoreflect.MethodDescriptor](t, files, "kitchen.v1.Kitchen.Cook")
	tests := []struct {
		name   string
		format Format
		o      Options
		want   *FieldError
	}{
		{"column", Table, Options{Columns: []string{"nmae"}}, &FieldError{"nmae", "kitchen.v1.Dish", `there is no field "nmae"`, "name"}},
		{"column inside", Table, Options{Columns: []string{"side.price"}}, &FieldError{"side.price", "kitchen.v1.Dish", `there is no field "price"`, "price_cents"}},
		{"through a list", Table, Options{Columns: []string{"parts.name"}}, &FieldError{"parts.name", "kitchen.v1.Dish", `"parts" is repeated, and a path goes through single messages only,`, ""}},
		{"through a scalar", Table, Options{Columns: []string{"name.x"}}, &FieldError{"name.x", "kitchen.v1.Dish", `"name" is no message`, ""}},
		{"rows", Table, Options{Field: "side"}, &FieldError{"side", "kitchen.v1.Dish", `"side" is not a repeated message field`, ""}},
		{"raw", Raw, Options{Field: "pieces"}, &FieldError{"pieces", "kitchen.v1.Dish", `"pieces" is not a single string or bytes field`, ""}},
		{"raw list", Raw, Options{Field: "scans"}, &FieldError{"scans", "kitchen.v1.Dish", `"scans" is not a single string or bytes field`, ""}},
		{"raw in a map", Raw, Options{Field: "labels.k"}, &FieldError{"labels.k", "kitchen.v1.Dish", `"labels" is not a single string or bytes field`, ""}},
		{"raw nothing", Raw, Options{Field: "side.zzzzzz"}, &FieldError{"side.zzzzzz", "kitchen.v1.Dish", `there is no field "zzzzzz"`, ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var b strings.Builder
			p, err := New(test.format, &b, test.o)
			if err != nil {
				t.Fatal(err)
			}
			err = p.Event(&invoke.Event{Kind: invoke.Opened, Call: &invoke.Call{Method: method}})
			got, _ := err.(*FieldError)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Tables hold what the messages hold: each scalar at its place.
func TestTableCells(t *testing.T) {
	files := kitchen(t)
	md := descriptor[protoreflect.MessageDescriptor](t, files, "kitchen.v1.Dish")
	types := dynamicpb.NewTypes(files)
	for seed := range uint64(200) {
		m := newRandom(seed, md).message(md)
		harmless(t, "table", print(t, Table, Options{Types: types}, m))
		harmless(t, "table", print(t, Table, Options{Types: types, Width: 80}, m))
	}
}

// A cell of a table shows the beginning of a long text, and how long it is.
func TestLongCell(t *testing.T) {
	for name, text := range map[string]string{
		"plain": strings.Repeat("x", 2*MaxText), "controls": strings.Repeat("\x01", 2*MaxText), "quotes": strings.Repeat(`"`, 2*MaxText),
		"accents": "x" + strings.Repeat("é", 2*MaxText), "short": "a\n\"b\"", "astral": strings.Repeat("\U000E0001", MaxText),
		"just short enough": strings.Repeat(`"`, MaxText),
	} {
		if got, want := cellText(jsontext.AppendString(nil, text)), Clean(Cut(text, MaxText), false); got != want {
			t.Errorf("%s: got %.60q… of %d bytes, want %.60q… of %d", name, got, len(got), want, len(want))
		}
	}
}
