package testserver

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// anyBudget bounds the bytes of nested messages of type google.protobuf.Any, in the JSON of a
// request: while the reply is made, each is held whole beside the one that contains it.
const anyBudget = 4 << 20

// checkAny returns an error for JSON in which too much of google.protobuf.Any is nested.
func checkAny(b []byte) error {
	if levels := anyLevels(b); levels > 1 && levels*len(b) > anyBudget {
		return fmt.Errorf(
			"the demo takes no request with %d messages of type google.protobuf.Any in one another, in %d bytes: "+
				"the levels times the bytes may be %d", levels, len(b), anyBudget)
	}
	return nil
}

// anyLevels returns how many objects with the key "@type" are nested in JSON. For a text that
// is not JSON the number means nothing.
func anyLevels(b []byte) int {
	open := make(openObjects, 1, 16)
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			if len(open) > maxNesting { // more than anybody reads
				return maxNesting
			}
			open = append(open, openObject{})
		case '}', ']':
			if len(open) == 1 {
				return open[0].below
			}
			open = open.shut()
		case '"':
			end := stringEnd(b, i)
			if rest := bytes.TrimLeft(b[end:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
				top := &open[len(open)-1]
				top.isAny = top.isAny || isTypeKey(b[i:end])
			}
			i = end - 1
		}
	}
	for len(open) > 1 {
		open = open.shut()
	}
	return open[0].below
}

// An openObject is an object or array that was not read to its end, and the number of levels
// inside it.
type openObject struct {
	isAny bool
	below int
}

type openObjects []openObject

// shut ends the innermost one.
func (open openObjects) shut() openObjects {
	last := len(open) - 1
	n := open[last].below
	if open[last].isAny {
		n++
	}
	open[last-1].below = max(open[last-1].below, n)
	return open[:last]
}

// stringEnd returns the place after the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// isTypeKey reports whether a string is "@type", whatever its escapes.
func isTypeKey(text []byte) bool {
	const long = len(`"\u0040\u0074\u0079\u0070\u0065"`)
	var key string
	return len(text) <= long && json.Unmarshal(text, &key) == nil && key == "@type"
}
