package shell

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/othershells"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// A hostile is a shell whose schema, answers, files and history contain an attacker's text.
type hostile struct {
	*shell
	t     *testing.T
	md    protoreflect.MessageDescriptor
	value string // what an answer had in the field name, and as a key of its map
	dir   string
	file  string // in dir; "" where no file can have the name
}

// hostileSchema is a method M of a message whose names for JSON and comments come from outside.
func hostileSchema(jsonName, comment string) protoreflect.FileDescriptor {
	field := func(n int32, name, json string, kind descriptorpb.FieldDescriptorProto_Type, label descriptorpb.FieldDescriptorProto_Label, of string) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &n, Type: kind.Enum(), Label: label.Enum()}
		if json != "" {
			f.JsonName = &json
		}
		if of != "" {
			f.TypeName = &of
		}
		return f
	}
	const (
		one  = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		many = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
		text = descriptorpb.FieldDescriptorProto_TYPE_STRING
		sub  = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
		enum = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	)
	chosen := field(7, "card", "c"+jsonName, text, one, "")
	chosen.OneofIndex = proto.Int32(0)
	fd := &descriptorpb.FileDescriptorProto{
		Name: proto.String("h.proto"), Package: proto.String("h"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/field_mask.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Q"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field(1, "name", "", text, one, ""), field(2, "odd", jsonName, text, one, ""), field(3, "inner", "i"+jsonName, sub, one, ".h.Q"),
				field(4, "list", "", sub, many, ".h.Q"), field(5, "labels", "", sub, many, ".h.Q.LabelsEntry"), field(6, "kind", "k"+jsonName, enum, one, ".h.Kind"),
				chosen, field(8, "mask", "", sub, one, ".google.protobuf.FieldMask"),
			},
			OneofDecl: []*descriptorpb.OneofDescriptorProto{{Name: proto.String("payment")}},
			NestedType: []*descriptorpb.DescriptorProto{{
				Name: proto.String("LabelsEntry"), Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
				Field: []*descriptorpb.FieldDescriptorProto{field(1, "key", "", text, one, ""), field(2, "value", "", text, one, "")},
			}},
		}},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Kind"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("KIND_A"), Number: proto.Int32(0)}, {Name: proto.String("KIND_B"), Number: proto.Int32(1)},
		}}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("M"), InputType: proto.String(".h.Q"), OutputType: proto.String(".h.Q")},
		}}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{},
	}
	for _, path := range [][]int32{{4, 0}, {4, 0, 2, 0}, {4, 0, 2, 1}, {5, 0, 2, 0}, {6, 0}, {6, 0, 2, 0}} {
		fd.SourceCodeInfo.Location = append(fd.SourceCodeInfo.Location, &descriptorpb.SourceCodeInfo_Location{Path: path, Span: []int32{0, 0, 0}, LeadingComments: &comment})
	}
	file, err := protodesc.NewFile(fd, protoregistry.GlobalFiles)
	if err != nil {
		return nil // a name that is another field's, too
	}
	return file
}

// set makes everything that the shell knows come from outside.
func (h *hostile) set(jsonName, comment, value, file string) bool {
	fd := hostileSchema(jsonName, comment)
	if fd == nil || !utf8.ValidString(jsonName) || !utf8.ValidString(comment) { // which no message can carry
		return false
	}
	method := fd.Services().Get(0).Methods().Get(0)
	h.md, h.value = method.Input(), value
	ix := &complete.Index{ByName: map[string]*complete.Entry{}, Secrets: map[string]struct{}{}, Known: complete.MessageTypes{}}
	ix.Known.Add(fd, map[string]bool{})
	ix.Methods = []complete.Entry{complete.NewEntry("h.S.M", "S.M", method)}
	ix.NameEnds()
	h.assistant.Index.Store(ix)
	h.results = resultTable{}
	answer := dynamicpb.NewMessage(h.md)
	answer.Set(h.md.Fields().ByName("name"), protoreflect.ValueOfString(value))
	answer.Mutable(h.md.Fields().ByName("labels")).Map().Set(protoreflect.ValueOfString(value).MapKey(), protoreflect.ValueOfString("v"))
	wire, err := proto.Marshal(answer)
	if err != nil {
		return false // no server can say this
	}
	call := &invoke.Call{Method: method}
	j := job.Start(h.t.Context(), job.Options{}, func(_ context.Context, s invoke.Sink) error {
		for _, e := range []*invoke.Event{
			{Kind: invoke.Opened, Call: call},
			{Kind: invoke.ResponseReceived, Call: call, Message: &invoke.Message{Desc: h.md, Wire: wire}},
			{Kind: invoke.Finished, Call: call, Status: &invoke.Status{}},
		} {
			if err := s.Event(e); err != nil {
				return err
			}
		}
		return nil
	})
	select {
	case <-j.Done():
	case <-time.After(time.Minute):
		h.t.Fatal("the call does not end")
	}
	h.results.add(&task{Job: j, name: "M"})
	if h.file != "" {
		os.Remove(filepath.Join(h.dir, h.file))
	}
	h.file = ""
	if file != "" && file != "." && file != ".." && !strings.ContainsAny(file, "/\x00") && os.WriteFile(filepath.Join(h.dir, file), nil, 0o600) == nil {
		h.file = file
	}
	return true
}

// one fails unless a line is one statement that runs nothing and expands nothing but what was
// typed. It returns its words; ok is false for an incomplete line.
func (h *hostile) one(typed, line string) (st repl.Statement, ok bool) {
	h.t.Helper()
	statements := repl.Lex(line)
	if len(statements) != 1 {
		h.t.Fatalf("%q became %d statements: %q", typed, len(statements), line)
	}
	st = statements[0]
	was := repl.Lex(typed)[0]
	if st.Assign != was.Assign || st.Pipe != "" && was.Pipe == "" || st.To.End > 0 && was.To.End == 0 && !strings.HasSuffix(typed, "> ") || st.Background && !was.Background {
		h.t.Fatalf("%q became something that runs: %q", typed, line)
	}
	for _, w := range append(slices.Clone(st.Words), st.To) {
		for _, e := range w.Expansions() {
			if e.Env || !strings.Contains(typed, "$") {
				h.t.Fatalf("%q stands for something else: %q in %q", typed, e.Text, line)
			}
		}
	}
	if filled := repl.Fill(line); !strings.Contains(typed, "‹") && filled != line {
		h.t.Fatalf("%q has holes: %q", typed, line)
	}
	return st, st.Missing == 0
}

// tab returns the lines that Tab makes of a typed one, each of which is checked.
func (h *hostile) tab(typed, after string) (lines []string) {
	h.t.Helper()
	l := repl.Line{Text: typed + after, Cursor: len(typed)}
	c := h.assistant.Complete(l)
	for _, item := range c.Items {
		line := l.Replace(c.From, l.Cursor, item.Text)
		h.one(l.Text, line.Text)
		if formatters.CleanLine(item.Text) != item.Text || formatters.CleanLine(item.About) != item.About || strings.Contains(item.Text, repl.Redacted) {
			h.t.Fatalf("%q offers %q, %q", typed, item.Text, item.About)
		}
		lines = append(lines, line.Text)
		// The common beginning of several candidates is inserted without a choice.
		for n := 0; n < len(item.Text) && after == ""; n += 1 + len(item.Text)/100 {
			h.one(l.Text, l.Replace(c.From, l.Cursor, item.Text[:n]).Text)
		}
	}
	return lines
}

// message is the request that a line makes, as JSON.
func (h *hostile) message(line string) (map[string]any, error) {
	st := repl.Lex(repl.Fill(line))[0]
	var parts []input.Part
	for _, w := range st.Words[1:] {
		parts = append(parts, input.Part{Text: w.Text})
	}
	source, err := input.New(parts, input.Options{Message: h.md})
	if err != nil {
		return nil, err
	}
	wire, err := source.Next(h.t.Context())
	if err != nil && err != io.EOF {
		return nil, err
	}
	text, err := transcode.NewEncoder(h.md, transcode.EncodeOptions{}).Append(nil, wire)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(text, &m)
}

// wants fails unless each line makes a request with a value.
func (h *hostile) wants(typed string, lines []string, path string, value any) {
	h.t.Helper()
	for _, line := range lines {
		m, err := h.message(line)
		if err != nil || m[path] != value && h.value != "name" { // which is a key of the answer's map, too
			h.t.Fatalf("%q became %q: %v, %v, want %q", typed, line, m, err, value)
		}
	}
}

// check looks at a place where text from outside is offered, or at all of them.
func (h *hostile) check(place byte) {
	checks := []func(){h.checkKeys, h.checkValues, h.checkPaths, h.checkTemplates, h.checkFiles, h.checkOffers, h.checkRecall}
	if place != everywhere {
		checks = checks[int(place)%len(checks):][:1]
	}
	for _, check := range checks {
		check()
	}
}

// everywhere is the place that means all of them.
const everywhere = 255

// checkKeys looks at the names of fields, and at what else a message is made of.
func (h *hostile) checkKeys() {
	for _, typed := range []string{"M ", "M i", "M inner.", "M list[+].", "M kind=", "M mask=", "M {", `M {"`, "M {'", `M {"list": [{`, `M {"kind": `, `M {"mask": `, `M {"mask": "`, `M {"labels": `, "M list[0]={", "M inner:={", "call ", "M -", "call M "} {
		for _, after := range []string{"", `"`, ` "x | y" 'z'`} {
			h.tab(typed, after)
		}
	}
}

// checkValues looks at what earlier answers said.
func (h *hostile) checkValues() {
	for _, typed := range []string{"M name=", "call M name=", `M {"name": `, `M {'name': "`, `M {name: '`, "M name='", `M name="`} {
		for _, after := range []string{"'", `"`, "' | x 'y", `" > x "y`} {
			h.tab(typed, after)
		}
	}
	h.wants("M name=", h.tab("M name=", ""), "name", h.value)
	h.wants("M name=x kind=B name=", h.tab("M kind=B name=", ""), "name", h.value)
	h.wants("M name='", h.tab("M name='", ""), "name", h.value)
	for _, typed := range []string{`M {"name": `, `M {"name": "`} {
		lines := h.tab(typed, "")
		for i := range lines {
			lines[i] += "}"
		}
		h.wants(typed, lines, "name", h.value)
	}
	h.wants(`M {"name": "|"}`, h.tab(`M {"name": "`, `"}`), "name", h.value)
}

// checkRecall looks at the history: what is recalled is what was typed.
func (h *hostile) checkRecall() {
	h.record.history = &repl.History{}
	h.record.history.Keep("M name=" + h.value)
	if _, text := h.record.history.Find(func(l string) bool { return strings.HasPrefix(l, "M") }); text != "M name="+h.value {
		h.t.Fatalf("%q was recalled as %q", h.value, text)
	}
}

// checkPaths looks at the paths into an answer.
func (h *hostile) checkPaths() {
	for _, lead := range []string{"$_.labels.", "M name=$_.labels.", `M {"name": $_.labels.`} {
		for _, line := range h.tab(lead, "") {
			path := line[strings.IndexByte(line, '$'):]
			v, err := h.vars.Evaluate(path)
			if text, terr := v.Text(); err != nil || terr != nil || string(text) != `"v"` {
				h.t.Fatalf("%s is %s: %v, %v", path, text, err, terr)
			}
		}
		h.tab(strings.TrimSuffix(lead, "labels."), "")
	}
}

// checkTemplates looks at requests to fill in.
func (h *hostile) checkTemplates() {
	typed := []string{"M", "call M"}
	if word, ok := repl.Quote(h.value); ok && !strings.HasPrefix(h.value, "@") && !strings.HasPrefix(h.value, `\@`) {
		typed = append(typed, "M name="+word, "call -H x=y M name="+word)
	}
	if utf8.ValidString(h.value) {
		typed = append(typed, `M {"name": `+repl.QuoteJSON(h.value)+"}")
	}
	for _, line := range typed {
		l, note := h.assistant.BuildRequest(repl.Line{Text: line, Cursor: len(line)})
		if note != "" {
			h.t.Fatalf("no request for %q: %s", line, note)
		}
		filled := repl.Fill(l.Text)
		if !repl.Sole(filled, line) {
			h.t.Fatalf("%q became %q", line, l.Text)
		}
		if at := strings.Index(filled, "M "); at >= 0 {
			m, err := h.message(filled[at:])
			if want := strings.Contains(line, "name") && h.value != ""; err != nil || want && m["name"] != h.value {
				h.t.Fatalf("%q became %q: %v, %v", line, l.Text, m, err)
			}
		}
		// Every hole is found, unfolds, and completes.
		for _, hole := range repl.Holes(l.Text) {
			at := repl.Line{Text: l.Text, Cursor: hole.Start}
			without := at.Replace(hole.Start, hole.End, "")
			if text, ok := h.assistant.Unfold(at); ok && !repl.Harmless(without.Text, without.Insert(text).Text) {
				h.t.Fatalf("%q unfolds to %q", repl.HoleName(l.Text, hole), text)
			}
			c := h.assistant.Complete(without)
			for _, item := range c.Items {
				if text := without.Replace(c.From, without.Cursor, item.Text).Text; !repl.Sole(repl.Fill(text), line) && !repl.Incomplete(text) {
					h.t.Fatalf("%q is offered in %q", item.Text, l.Text)
				}
			}
		}
	}
}

// checkFiles looks at the names of files.
func (h *hostile) checkFiles() {
	if h.file == "" {
		return
	}
	want := filepath.Join(h.dir, h.file)
	for _, typed := range []string{"M @" + h.dir + "/", "source " + h.dir + "/", "M > " + h.dir + "/", "M | cat " + h.dir + "/", "M @'" + h.dir + "/", "source '" + h.dir + "/"} {
		for _, after := range []string{"", " 'x' | y", "'"} {
			h.tab(typed, after)
		}
		for _, line := range h.tab(typed, "") {
			st, ok := h.one(typed, line)
			word := st.To.Text
			switch {
			case st.Pipe != "":
				quoted, _ := repl.Quote(h.file)
				word, ok = want, ok && st.Pipe == strings.TrimSpace("cat "+h.dir+"/"+quoted)
			case st.To.End == 0:
				word = strings.TrimPrefix(st.Words[len(st.Words)-1].Text, "@")
			}
			if !ok || word != want {
				h.t.Fatalf("%q became %q, which is not about %q", typed, line, want)
			}
		}
	}
}

// checkOffers checks the offers to other shells.
func (h *hostile) checkOffers() {
	r := &complete.Request{Method: h.assistant.Index.Load().Methods[0].Method, Plain: true, Now: time.Now, Types: h.assistant.Index.Load().Known}
	var offers []othershells.Offer
	for _, partial := range []string{"", "name=", "inner.", "{", `{"`, "kind=", "mask="} {
		offers = append(offers, othershells.FieldOffers(r, partial)...)
	}
	offers = append(offers, othershells.CompleteFile("@", h.dir+"/")...)
	offers = append(offers, othershells.Offer{Text: h.value, About: h.value}, othershells.Offer{Text: "x", About: h.value})
	texts, _ := othershells.Candidates(offers)
	for _, text := range texts {
		word, about, _ := strings.Cut(text, "\t")
		if strings.ContainsAny(word, " \n\r'\"\\$`|&;<>(){}*?!#~^‘’‚‛“”„‟–—―") || strings.HasPrefix(word, "=") || formatters.CleanLine(word) != word || formatters.CleanLine(about) != about {
			h.t.Fatalf("other shells are told %q", text)
		}
	}
}

// testTree builds commands with the flags of call, and no more.
func testTree(a *app.App) *cobra.Command {
	root := &cobra.Command{Use: "rpcctl"}
	a.Globals.Add(root.PersistentFlags())
	for _, use := range []string{"call METHOD [MESSAGE...]", "list", "describe NAME...", "context"} {
		c := &cobra.Command{Use: use, Run: func(*cobra.Command, []string) {}}
		new(call.Options).Add(c.Flags())
		root.AddCommand(c)
	}
	return root
}

// Whatever a schema, a server and a folder contain, it is text to the shell, and to other
// shells.
func FuzzHostileText(f *testing.F) {
	for _, text := range []string{
		"plain", "two words", `x": ""} | touch pwned; true "`, "x | touch y", "x\ny", "x\ty", "${ENV:HOME}", "$HOME", "‘x’; y", "“$(x)”", "$(x)", "`x`", "'; x; '", `\`, `"`, "'", "it's",
		"‹x›", "‹redacted›", "<x>", "#x", "x #", "//", "/*", "*/", "}", "]", "{", "[", "@x", `\@x`, "-x", "--x=y", "!x", "x?", "> y", ">> y", "&", "x &", "a=b", ":=", "=x",
		"\x1b[A", "\x00", "\u202e", "\ue000", "[paste 1: 9 KB, 2 lines]", "日本", "😀", "", "null", "true", "1", "a.b", "a:b", "a,b", "a[0]", "~x", "%x", "name", "ß\u0301",
	} {
		f.Add(text, text, text, text, byte(everywhere))
	}
	var said bytes.Buffer
	env := &env.Env{
		Stdin: strings.NewReader(""), Stdout: &said, Stderr: &said, Now: time.Now,
		Getenv:    func(name string) string { return map[string]string{"LANG": "C.UTF-8"}[name] },
		LookupEnv: func(string) (string, bool) { return "", false },
	}
	s := newShell(f.Context(), env, &Options{}, nil, testTree)
	dir := f.TempDir()
	h := &hostile{shell: s, dir: dir}
	f.Fuzz(func(t *testing.T, jsonName, comment, value, file string, place byte) {
		h.t = t
		if h.set(jsonName, comment, value, file) {
			h.check(place)
		}
	})
}
