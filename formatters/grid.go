package formatters

import (
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/grid"
)

// WriteGrid writes rows of cells in columns, below a line of names unless head is nil. Columns that
// are empty in all rows are left out. A width that is not 0 is the number of columns of a terminal,
// for which long cells are cut. Everything is cleaned.
func WriteGrid(w io.Writer, head []string, rows [][]string, width int) error {
	if len(rows) == 0 {
		return nil
	}
	var shown []int
	for c := range rows[0] {
		for _, r := range rows {
			if r[c] != "" {
				shown = append(shown, c)
				break
			}
		}
	}
	lines := make([][]string, 0, len(rows)+1)
	if head != nil {
		lines = append(lines, head)
	}
	lines = append(lines, rows...)
	layout := grid.NewLayout(len(shown), width)
	for l, line := range lines {
		cells := make([]string, len(shown))
		for i, c := range shown {
			cells[i] = Clean(line[c], false)
		}
		layout.Add(cells)
		lines[l] = cells
	}
	layout.Fit()
	var b []byte
	for _, cells := range lines {
		b = layout.AppendRow(b, cells)
	}
	_, err := w.Write(b)
	return err
}
