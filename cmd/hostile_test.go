//go:build unix

package cmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostileName is a name that would end the document it stands in and run a program.
const hostileName = `x": ""} | touch pwned; true "`

// hostileSchema serves a method whose request has such names, before more fields than a screen shows.
func hostileServer(t *testing.T) string {
	t.Helper()
	quoted, err := json.Marshal(hostileName)
	if err != nil {
		t.Fatal(err)
	}
	var fields strings.Builder
	for n := range 60 {
		fmt.Fprintf(&fields, `field { name: "f%d" json_name: "f%[1]d" number: %d type: TYPE_STRING label: LABEL_OPTIONAL } `, n, n+10)
	}
	s := &changing{}
	s.set(fmt.Sprintf(`message_type { name: "Q" field { name: "odd" json_name: %s number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
		field { name: "q" json_name: "${ENV:SECRET}" number: 2 type: TYPE_MESSAGE type_name: ".a.Q" label: LABEL_OPTIONAL } %s }
		message_type { name: "R" field { name: "f0" json_name: "f0" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL } }
		service { name: "S" method { name: "M" input_type: ".a.Q" output_type: ".a.R" } }`, quoted, fields.String()), "a.S/M", "\x0a\x0d${ENV:SECRET}")
	return s.listen(t)
}

// A request to fill in is one statement, whatever the schema calls its fields: Enter makes the call
// and runs nothing else.
func TestHostileNamesAtThePrompt(t *testing.T) {
	for name, keys := range map[string]string{"call -i": "call -i M\r", "Ctrl-X b": "M\x18b", "Tab in a document": "M {\to\t\"x\"}"} {
		t.Run(name, func(t *testing.T) {
			addr := hostileServer(t)
			s := openScreen(t, []setting{sized(80, 100), environment("SECRET=s3cret")}, "rpcctl", "-a", addr, "shell")
			s.waitFor("schema:")
			s.waitPrompt()
			s.send(keys)
			s.waitFor(`"odd": `)
			s.send(ctrl('e') + "\r")
			s.waitFor("OK ·")
			s.waitPrompt()
			if text := s.text(); strings.Contains(text, "touch") || strings.Contains(text, "s3cret") {
				t.Errorf("the screen is\n%s", text)
			}
			if _, err := os.Stat(filepath.Join(s.dir, "pwned")); err == nil {
				t.Error("a name of the schema ran a program")
			}
		})
	}
	t.Run("on the command line", func(t *testing.T) {
		s := openScreen(t, []setting{sized(80, 100)}, "rpcctl", "-a", hostileServer(t), "call", "-i", "M")
		s.waitFor(`"odd": `)
		s.send("\r")
		s.ends(0)
		if _, err := os.Stat(filepath.Join(s.dir, "pwned")); err == nil {
			t.Error("a name of the schema ran a program")
		}
	})
}

// Text from a server is completed as text: it is sent unchanged, and nothing in it is
// expanded.
func TestHostileAnswersAtThePrompt(t *testing.T) {
	s := openScreen(t, []setting{environment("SECRET=s3cret")}, "rpcctl", "-a", hostileServer(t), "shell")
	s.waitFor("schema:")
	s.waitPrompt()
	s.send("M\r")
	s.waitFor("OK ·")
	s.waitPrompt()
	s.send("M f0=\t")
	s.waitInput("M f0='${ENV:SECRET}'")
	s.send("\r")
	s.waitFor("$2")
	s.waitPrompt()
	s.send("$2:request\r")
	s.wait("the request", func(text string) bool { return strings.Count(text, `"f0": "${ENV:SECRET}"`) == 3 })
	if strings.Contains(s.text(), "s3cret") {
		t.Errorf("the screen is\n%s", s.text())
	}
}

// A request to fill in follows today's schema, whatever is remembered.
func TestCallInteractivelyWithTodaysSchema(t *testing.T) {
	s := &changing{}
	s.set(oldSchema, "a.S/M", "")
	addr, cache := s.listen(t), t.TempDir()
	if got := run(t, filepath.Join(cache, "rpcctl"), "", "-a", addr, "call", "a.S/M", "n=1"); got.Code != 0 {
		t.Fatal(got)
	}
	s.set(newSchema, "a.S/M", "")
	x := openScreen(t, []setting{environment("XDG_CACHE_HOME=" + cache)}, "rpcctl", "-a", addr, "call", "-i", "a.S/M")
	x.waitFor(`"more": `)
	x.send(ctrl('c'))
	x.ends(130)
}

// The shell complains once about a history that it cannot write.
func TestShellHistoryComplainsOnce(t *testing.T) {
	_, addr := demoServer(t)
	state := t.TempDir()
	if err := os.MkdirAll(filepath.Join(state, "rpcctl", "history"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openScreen(t, []setting{environment("XDG_STATE_HOME=" + state)}, "rpcctl", "-a", addr, "shell")
	s.waitFor("no history: ")
	for n := range 3 {
		s.send(fmt.Sprintf("SayHello name=n%d\r", n))
		s.waitFor(fmt.Sprintf("Hello, n%d!", n))
		s.waitPrompt()
	}
	if text := s.text(); strings.Contains(text, "could not be kept") || strings.Count(text, "no history") != 1 {
		t.Errorf("the screen is\n%s", text)
	}
	s.send(keyUp)
	s.waitInput("SayHello name=n2")
}

// hiddenCharacters are an escape, a bell, C1 controls, some that turn text around, a line
// separator and a byte order mark.
const hiddenCharacters = "\x1b\x07\u009b\u0085\u202e\u2066\u200f\u2028\ufeff"

// Text from a schema neither moves the cursor nor turns text around in what the shell and the
// commands print.
func TestHiddenCharactersOfASchema(t *testing.T) {
	file := filepath.Join(t.TempDir(), "h.proto")
	escaped := strings.NewReplacer("\x1b", `\x1b`, "\x07", `\a`, "\ufeff", `\xef\xbb\xbf`).Replace(hiddenCharacters)
	comment := "// <" + hiddenCharacters + ">\n"
	text := `syntax = "proto2"; package h;
import "google/protobuf/descriptor.proto";
extend google.protobuf.MethodOptions { optional string note = 50000; }
` + comment + "message Q {\n" + comment + `optional string odd = 1 [json_name = "o` + escaped + `", default = "d` + escaped + `"];
` + comment + `optional K kind = 2; }
` + comment + "enum K {\n" + comment + `A = 0; }
` + comment + "service S {\n" + comment + `rpc M(Q) returns (Q) { option (note) = "n` + escaped + `"; } }
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"describe", "h.S"}},
		{"", []string{"describe", "h.S.M"}},
		{"", []string{"describe", "h.Q"}},
		{"", []string{"describe", "h.K"}},
		{"", []string{"describe", "h.Q", "--skeleton"}},
		{"", []string{"describe", "h.Q", "-o", "json"}},
		{"", []string{"list", "-v"}},
		{"", []string{"call", "h.S.M", "--dry-run"}},
		{"", []string{"call", "h.S.M", "{o"}},
		{"", []string{"call", "h.S.M", "{\"o\u202e\": 1}"}},
		{"", []string{"__complete", "call", ""}},
		{"", []string{"__complete", "call", "h.S.M", ""}},
		{"", []string{"__complete", "call", "h.S.M", "kind="}},
		{"", []string{"__complete", "describe", "h."}},
		{"M?\n", []string{"shell"}},
		{"help M\nhelp h.Q\n", []string{"shell"}},
		{"describe h.Q\ndescribe h.S\n", []string{"shell"}},
		{"M kind=\n", []string{"shell"}},
	} {
		c := command(t, "rpcctl", append([]string{tt.args[0], "-a", "demo:", "--proto", file}, tt.args[1:]...)...)
		c.Stdin = strings.NewReader(tt.stdin)
		out, _ := c.CombinedOutput() // some fail, and tell why
		if i := strings.IndexAny(string(out), hiddenCharacters); i >= 0 || len(out) == 0 {
			t.Errorf("%q %q: %q", tt.args, tt.stdin, out)
		}
	}
}
