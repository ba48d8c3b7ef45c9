package grid

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLayout(t *testing.T) {
	rows := [][]string{{"name", "price", "note"}, {"寿司", "1200", "with \u00e9verything"}, {"soup", "5", ""}}
	for terminal, want := range map[int]string{
		0:  "name  price  note\n寿司   1200  with \u00e9verything\nsoup      5\n",
		22: "name  price  note\n寿司   1200  with \u00e9ve…\nsoup      5\n",
		5:  "name  pri…  note\n寿司  1200  wit…\nsoup     5\n",
	} {
		l := NewLayout(3, terminal)
		l.AlignRight(1)
		for _, row := range rows {
			l.Add(row)
		}
		l.Fit()
		var got []byte
		for _, row := range rows {
			got = l.AppendRow(got, row)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%d columns: %s", terminal, diff)
		}
	}
}
