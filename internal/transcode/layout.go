package transcode

// A layout is JSON that is being written, on one line or indented.
type layout struct {
	out    []byte
	spaced bool   // indented, with a space after the colon of a key
	indent int    // bytes of a level
	lines  string // a line break, and the indentation of the greatest depth that is shown
}

// newline begins a new line at the given depth.
func (l *layout) newline(depth int) {
	l.out = append(l.out, l.lines[:1+l.indent*min(depth, maxIndent)]...)
}

// separate begins the element number n of an object or array.
func (l *layout) separate(n, depth int) {
	if n > 0 {
		l.out = append(l.out, ',')
	}
	if l.spaced {
		l.newline(depth)
	}
}

// key begins the field number n of an object. On one line the key comes with its comma.
func (l *layout) key(key []byte, n, depth int) {
	if !l.spaced {
		if n == 0 {
			key = key[1:]
		}
		l.out = append(l.out, key...)
		return
	}
	l.separate(n, depth)
	l.out = append(l.out, key...)
}

// shut ends an object or array of n elements.
func (l *layout) shut(c byte, n, depth int) {
	if n > 0 && l.spaced {
		l.newline(depth - 1)
	}
	l.out = append(l.out, c)
}

// name begins the field number n of an object whose key is in no plan.
func (l *layout) name(name string, n, depth int) {
	l.separate(n, depth)
	l.out = append(l.out, '"')
	l.out = append(l.out, name...)
	l.out = append(l.out, '"', ':')
	if l.spaced {
		l.out = append(l.out, ' ')
	}
}
