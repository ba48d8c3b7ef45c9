package shell

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/repl"
)

// shellKeyHelp tells of the keys that are the shell's own.
var shellKeyHelp = []repl.Help{
	{Keys: "Ctrl-X b", Does: "a request to fill in, for the method on the line"},
	{Keys: "Ctrl-X f", Does: "write the JSON under the cursor on several lines"},
	{Keys: "F1, Alt-h", Does: "about what is under the cursor"},
}

// keys are the keys that know about methods.
func (s *shell) keys() map[repl.Key]func(repl.Line) (repl.Line, string) {
	return map[repl.Key]func(repl.Line) (repl.Line, string){
		"C-x b": s.buildRequest,
		"C-x f": func(l repl.Line) (repl.Line, string) { return reformat(l), "" },
		"F1":    s.aboutHere,
		"M-h":   s.aboutHere,
	}
}

// reformat writes the document that the cursor is in on several lines.
func reformat(l repl.Line) repl.Line {
	for _, st := range repl.Lex(l.Text) {
		for _, w := range st.Words {
			if l.Cursor < w.Start || l.Cursor > w.End || !w.Raw || !strings.HasPrefix(w.Text, "{") {
				continue
			}
			var b bytes.Buffer
			if json.Indent(&b, []byte(w.Text), "", "  ") == nil { // what is no strict JSON stays as it is
				return l.Replace(w.Start, w.End, b.String())
			}
		}
	}
	return l
}

// aboutHere tells about the field or method under the cursor.
func (s *shell) aboutHere(l repl.Line) (repl.Line, string) {
	p := s.spot(l)
	if f, ok := s.locate(&p); ok && f.Field != nil {
		return l, s.aboutField(f.Field)
	}
	if p.method == nil {
		return l, "nothing is known about this; help tells what there is to type"
	}
	return l, fmt.Sprintf("%s: %s\n%s", p.method.FullName(), complete.Signature(p.method, s.env.Sign(" → ", " -> ")), complete.Comment(p.method))
}
