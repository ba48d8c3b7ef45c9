package repl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// events are what pieces of input mean, one line each; texts that follow each other are one.
func events(pieces ...string) string {
	var d decoder
	var all []event
	for _, p := range pieces {
		all = append(all, d.feed([]byte(p))...)
	}
	all = append(all, d.flush()...)
	var lines []string
	for i, e := range all {
		if e.key == "" && i > 0 && all[i-1].key == "" {
			lines[len(lines)-1] += e.text
			continue
		}
		lines = append(lines, string(e.key)+" "+e.text)
	}
	return strings.Join(lines, "\n")
}

func TestDecoder(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"text":             {"héllo 日本", " héllo 日本"},
		"controls":         {"\x01\r\n\t\x7f\x08\x1f\x1a\x00", "C-a \nEnter \nEnter \nTab \nBackspace \nBackspace \nC-_ \nC-z \nC-Space "},
		"arrows":           {"\x1b[A\x1bOB\x1b[1;5C\x1b[1;3D", "Up \nDown \nC-Right \nM-Left "},
		"numbered":         {"\x1b[3~\x1b[1~\x1b[24~\x1b[3;5~", "Delete \nHome \nF12 \nC-Delete "},
		"linux console":    {"\x1b[[A\x1b[[E", "F1 \nF5 "},
		"alt":              {"\x1bb\x1b\r\x1bé", "M-b \nM-Enter \nM-é "},
		"escape alone":     {"\x1b", "Esc "},
		"two escapes":      {"\x1b\x1b[A", "Esc \nUp "},
		"unknown sequence": {"\x1b[99;99zx", " x"},
		"cut sequence":     {"\x1b[12\rx", "Enter \n x"},
		"paste":            {"a\x1b[200~x\r\ny\rz\x1b[A\x07\x1b[201~b", " a\npaste x\ny\nz[A\n b"},
		"not UTF-8":        {"a\xffb", " a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, events(c.in)); diff != "" {
				t.Error(diff)
			}
			for i := range len(c.in) { // it does not matter where the input is cut
				if diff := cmp.Diff(c.want, events(c.in[:i], c.in[i:])); diff != "" && !strings.HasPrefix(c.in, "a\xff") {
					t.Errorf("cut at %d: %s", i, diff)
				}
			}
		})
	}
}

func FuzzDecoder(f *testing.F) {
	for _, s := range []string{"a\x1b[A", "\x1b[200~x\x1b[201~", "\x1b", "\xe6\x97", "\x1b[200~\x1b[20", strings.Repeat("\x1b[1", 40), "\x1b\x1b[[A\x00\xff\x01"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		cut = max(0, min(cut, len(in)))
		var d decoder
		all := append(d.feed(in[:cut]), d.feed(in[cut:])...)
		all = append(all, d.flush()...)
		for _, e := range all {
			if e.key != keyPaste && strings.ContainsFunc(e.text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("text %q has a control character", e.text)
			}
		}
		if len(d.tail) > maxSequence && !d.pasting {
			t.Fatalf("%d bytes are held back", len(d.tail))
		}
	})
}
