package repl

import "strings"

// A search is a search of the history in progress.
type search struct {
	start   Line
	pattern string
	index   int // index of the line that is shown; -1: none
	failed  bool
}

func (s *search) prefix() string {
	if s.failed {
		return "(no more with '" + s.pattern + "') "
	}
	return "(search '" + s.pattern + "') "
}

// beginSearch handles Ctrl-R: from now on it shows the newest line that contains what is
// typed.
func (e *Editor) beginSearch() {
	e.search = &search{start: e.line, index: -1}
	e.note = "Enter takes the line, Ctrl-R looks further back, Esc gives up"
}

// searchKey handles an event during a search. It returns false for an event that ends the
// search and then has its usual meaning.
func (e *Editor) searchKey(ev event) bool {
	s, h := e.search, e.opts.History
	switch {
	case ev.key == "":
		s.pattern += ev.text
		e.line = s.find(h, h.Len(), e.line)
	case ev.key == "C-r":
		if s.pattern != "" {
			from := h.Len()
			if s.index >= 0 {
				from = s.index
			}
			e.line = s.find(h, from, e.line)
		}
	case ev.key == "Backspace":
		if s.pattern != "" {
			l := Line{s.pattern, len(s.pattern)}
			s.pattern = s.pattern[:l.charBefore(nil)]
		}
		e.line = s.find(h, h.Len(), e.line)
	case ev.key == "Enter":
		e.search = nil
	case ev.key == "Esc" || ev.key == "C-g" || ev.key == "C-c":
		e.line, e.search = s.start, nil
	default:
		e.search = nil
		return false
	}
	return true
}

// find returns the newest line before an index that contains the pattern, or now when there is
// none.
func (s *search) find(h *History, before int, now Line) Line {
	if s.pattern == "" {
		s.index, s.failed = -1, false
		return s.start
	}
	i, text := h.find(before, func(line string) bool { return strings.Contains(line, s.pattern) })
	if s.failed = i < 0; s.failed {
		return now
	}
	s.index = i
	return Line{text, strings.Index(text, s.pattern)}
}

// A recall is a walk through the history with Up and Down.
type recall struct {
	start Line // before the first Up
	index int
}

// older handles the Up key.
func (e *Editor) older() {
	if l, ok := e.line.up(); ok && e.recall == nil {
		e.line = l
		return
	}
	if e.recall == nil {
		e.recall = &recall{start: e.line, index: e.opts.History.Len()}
	}
	prefix, now := e.recall.start.Text, e.line.Text
	if i, text := e.opts.History.find(e.recall.index,
		func(line string) bool { return strings.HasPrefix(line, prefix) && line != now }); i >= 0 {
		e.recall.index = i
		e.line = Line{text, len(text)}
	}
}

// newer handles the Down key.
func (e *Editor) newer() {
	if e.recall == nil {
		if l, ok := e.line.down(); ok {
			e.line = l
		}
		return
	}
	prefix := e.recall.start.Text
	for i := e.recall.index + 1; i < e.opts.History.Len(); i++ {
		if text := e.opts.History.Line(i); strings.HasPrefix(text, prefix) && text != e.line.Text {
			e.recall.index = i
			e.line = Line{text, len(text)}
			return
		}
	}
	e.line = e.recall.start
	e.recall = nil
}
