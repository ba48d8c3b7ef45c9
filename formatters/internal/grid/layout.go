// Package grid sets cells in columns, for a terminal of any width. Its main type is [Layout].
package grid

import (
	"strings"

	"github.com/rpcctl/rpcctl/internal/width"
)

const (
	gap = "  "
	// minWidth is how narrow a column gets to make a grid fit the terminal.
	minWidth = 4
)

// A Layout is the widths of the columns of a grid. Cells are cleaned text.
type Layout struct {
	widths   []int
	right    []bool
	terminal int // columns; 0: there is none, and no cell is cut
}

// NewLayout returns the layout of a number of columns for a terminal of a width, which is 0
// when there is no terminal.
func NewLayout(columns, terminal int) *Layout {
	return &Layout{widths: make([]int, columns), right: make([]bool, columns), terminal: terminal}
}

// AlignRight aligns a column to the right.
func (l *Layout) AlignRight(column int) { l.right[column] = true }

// Add makes the columns wide enough for a row of cells.
func (l *Layout) Add(cells []string) {
	for i, cell := range cells {
		l.widths[i] = max(l.widths[i], width.Of(cell))
	}
}

// Fit narrows the widest columns until the grid fits the terminal, or no column can be
// narrower.
func (l *Layout) Fit() {
	if l.terminal == 0 {
		return
	}
	total := len(gap) * (len(l.widths) - 1)
	for _, w := range l.widths {
		total += w
	}
	for ; total > l.terminal; total-- {
		widest := 0
		for i, w := range l.widths {
			if w > l.widths[widest] {
				widest = i
			}
		}
		if l.widths[widest] <= minWidth {
			return
		}
		l.widths[widest]--
	}
}

// AppendRow appends a line of cells, without spaces at its end.
func (l *Layout) AppendRow(b []byte, cells []string) []byte {
	start := len(b)
	for i, cell := range cells {
		if i > 0 {
			b = append(b, gap...)
		}
		if l.terminal > 0 {
			cell = width.Truncate(cell, l.widths[i], "…")
		}
		padding := strings.Repeat(" ", max(0, l.widths[i]-width.Of(cell)))
		if l.right[i] {
			b = append(append(b, padding...), cell...)
		} else {
			b = append(append(b, cell...), padding...)
		}
	}
	for len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return append(b, '\n')
}
