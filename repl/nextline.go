package repl

import "sync"

// A nextLine is the text for the next prompt, if there is one. It is safe for concurrent use.
type nextLine struct {
	mu   sync.Mutex
	line Line
	full bool
}

// put replaces the text that is there.
func (n *nextLine) put(l Line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line, n.full = l, true
}

// take returns the text and removes it.
func (n *nextLine) take() (l Line, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l, ok = n.line, n.full
	n.line, n.full = Line{}, false
	return l, ok
}

func (n *nextLine) waiting() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.full
}
