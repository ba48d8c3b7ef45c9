package jsontext

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/internal/palette"
)

// sequence is what colours a text.
var sequence = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func TestColorInPieces(t *testing.T) {
	text := `{"a\"b\\":"c\"d","n":[-1.5e+10,true,null,"s",{"k":0}],"e":{},"f":[]}` + "\n7\n"
	colors := palette.New(true)
	want := string(NewPainter(nil, true).Append(nil, []byte(text)))
	var b bytes.Buffer
	pieces := NewPainter(&b, true)
	for i := range len(text) {
		if _, err := pieces.Write([]byte{text[i]}); err != nil {
			t.Fatal(err)
		}
	}
	b.Write(pieces.End(nil))
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-whole +pieces):\n%s", d)
	}
	if got := sequence.ReplaceAllString(want, ""); got != text {
		t.Errorf("colours change the text: %q", got)
	}
	for _, part := range []string{colors.Paint(palette.Key, `"a\"b\\"`), colors.Paint(palette.String, `"c\"d"`), colors.Paint(palette.Number, "-1.5e+10"), colors.Paint(palette.Word, "null"), colors.Paint(palette.String, `"s"`), colors.Paint(palette.Key, `"k"`)} {
		if !strings.Contains(want, part) {
			t.Errorf("%q is not in %q", part, want)
		}
	}
}
