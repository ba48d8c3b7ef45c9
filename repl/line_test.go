package repl

import "testing"

// The cursor is written as | in these tests.
func parseLine(s string) Line {
	for i := range len(s) {
		if s[i] == '|' {
			return Line{s[:i] + s[i+1:], i}
		}
	}
	return Line{s, len(s)}
}

func (l Line) String() string { return l.Before() + "|" + l.After() }

func TestLine(t *testing.T) {
	atom := []string{"[paste 1: 9 KB, 3 lines]"}
	for name, c := range map[string]struct {
		do         func(Line) Line
		from, want string
	}{
		"left":             {func(l Line) Line { return l.moveTo(l.charBefore(nil)) }, "ab|c", "a|bc"},
		"left at start":    {func(l Line) Line { return l.moveTo(l.charBefore(nil)) }, "|abc", "|abc"},
		"left over accent": {func(l Line) Line { return l.moveTo(l.charBefore(nil)) }, "ae\u0301|", "a|e\u0301"},
		"left over family": {func(l Line) Line { return l.moveTo(l.charBefore(nil)) }, "x👨‍👩‍👧|y", "x|👨‍👩‍👧y"},
		"left over line":   {func(l Line) Line { return l.moveTo(l.charBefore(nil)) }, "a\n|b", "a|\nb"},
		"left over paste":  {func(l Line) Line { return l.moveTo(l.charBefore(atom)) }, "x " + atom[0] + "|", "x |" + atom[0]},
		"right over paste": {func(l Line) Line { return l.moveTo(l.right(atom)) }, "x |" + atom[0], "x " + atom[0] + "|"},
		"right":            {func(l Line) Line { return l.moveTo(l.right(nil)) }, "|日本", "日|本"},
		"word left":        {func(l Line) Line { return l.moveTo(l.wordLeft()) }, "ship_to.city=|x", "ship_to.|city=x"},
		"word right":       {func(l Line) Line { return l.moveTo(l.wordRight()) }, "a|.city=x", "a.city|=x"},
		"blank left":       {func(l Line) Line { return l.moveTo(l.blankLeft()) }, "a b.c=d  |", "a |b.c=d  "},
		"row start":        {func(l Line) Line { return l.moveTo(l.rowStart()) }, "a\nbc|d\ne", "a\n|bcd\ne"},
		"row end":          {func(l Line) Line { return l.moveTo(l.rowEnd()) }, "a\nb|cd\ne", "a\nbcd|\ne"},
		"up":               {func(l Line) Line { m, _ := l.up(); return m }, "日本語\nab|c", "日本|語\nabc"},
		"up, shorter":      {func(l Line) Line { m, _ := l.up(); return m }, "a\nbcd|", "a|\nbcd"},
		"up at the top":    {func(l Line) Line { m, _ := l.up(); return m }, "ab|c\nd", "ab|c\nd"},
		"down":             {func(l Line) Line { m, _ := l.down(); return m }, "ab|c\nd", "abc\nd|"},
		"replace":          {func(l Line) Line { return l.Replace(1, 2, "xyz") }, "abc|", "axyz|c"},
		"outdent":          {func(l Line) Line { return l.outdent() }, "{\n  |", "{\n|"},
		"no outdent":       {func(l Line) Line { return l.outdent() }, "{\n  a|", "{\n  a|"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.do(parseLine(c.from)).String(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	for text, want := range map[string]string{"P {": "  ", "P {\n  \"a\": [": "    ", "P {\n  \"a\": 1,": "  ", "P": ""} {
		if got := (Line{text, len(text)}).indent(); got != want {
			t.Errorf("after %q: %q, want %q", text, got, want)
		}
	}
}
