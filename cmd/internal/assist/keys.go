package assist

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/repl"
)

// KeyHelp describes the keys of Keys.
var KeyHelp = []repl.Help{
	{Keys: "Ctrl-X b", Does: "a request to fill in, for the method on the line"},
	{Keys: "Ctrl-X f", Does: "write the JSON under the cursor on several lines"},
	{Keys: "F1, Alt-h", Does: "about what is under the cursor"},
}

// Keys are the keys of the prompt that know about methods.
func (a *Assistant) Keys() map[repl.Key]func(repl.Line) (repl.Line, string) {
	return map[repl.Key]func(repl.Line) (repl.Line, string){
		"C-x b": a.BuildRequest,
		"C-x f": func(l repl.Line) (repl.Line, string) { return reformat(l), "" },
		"F1":    a.aboutHere,
		"M-h":   a.aboutHere,
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
func (a *Assistant) aboutHere(l repl.Line) (repl.Line, string) {
	p := a.position(l)
	if f, ok := a.locate(&p); ok && f.Field != nil {
		return l, a.aboutField(f.Field)
	}
	if p.method == nil {
		return l, "nothing is known about this; help tells what there is to type"
	}
	return l, fmt.Sprintf("%s: %s\n%s", p.method.FullName(), complete.Signature(p.method, a.env.Sign(" → ", " -> ")),
		complete.Comment(p.method))
}
