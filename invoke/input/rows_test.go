package input

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzRowCutter cuts CSV into rows, and checks that they are those that encoding/csv finds in
// the whole: a row that is cut elsewhere makes requests that nobody wrote.
func FuzzRowCutter(f *testing.F) {
	for _, seed := range []string{
		"id,n\na,1\n", "\"b\nc\",2\nx,\n", "\"said \"\"hi\"\"\nevil,gotcha\nbye\"\na2,x\n", "1,\"said \"\"b\"\"\n\"\n2,x", "\"\"\"\n\"\"\",\"\"\n\n\r\n\"\"\r\nx",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		whole := csv.NewReader(strings.NewReader(text))
		whole.FieldsPerRecord = -1
		want, err := whole.ReadAll()
		if err != nil || strings.Contains(strings.ReplaceAll(text, "\r\n", ""), "\r") {
			return // a line of carriage returns alone is blank to us, and a cell to it
		}
		var got [][]string
		r := newRows(FormatCSV)
		for rest := []byte(text); len(rest) > 0; {
			n, done := r.cutter.feed(rest)
			if done || r.cutter.seen || r.cutter.inside {
				cells, _, fault := r.fields(rest[:n])
				if fault != nil {
					t.Fatalf("%q: %s", rest[:n], fault.Problem)
				}
				got = append(got, cells)
			}
			rest = rest[n:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows of %q (-want +got):\n%s", text, diff)
		}
	})
}
