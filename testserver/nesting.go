package testserver

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// anyBudget is how many bytes the messages of type google.protobuf.Any in one another may
// have together, in JSON, when a request is made of it: each is held whole beside the one that it
// stands in when the reply is made.
const anyBudget = 4 << 20

// checkAny is an error for JSON in which too much of google.protobuf.Any stands in itself.
func checkAny(b []byte) error {
	if levels := anyLevels(b); levels > 1 && levels*len(b) > anyBudget {
		return fmt.Errorf(
			"the demo takes no request with %d messages of type google.protobuf.Any in one another, in %d bytes: "+
				"the levels times the bytes may be %d", levels, len(b), anyBudget)
	}
	return nil
}

// anyLevels is how many objects with the key "@type" stand in one another in JSON. Of what is
// no JSON it is any number.
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

// An openObject is an object or array that is not read to its end, and how many levels were met
// in it.
type openObject struct {
	isAny bool
	below int
}

type openObjects []openObject

// shut ends the innermost.
func (open openObjects) shut() openObjects {
	last := len(open) - 1
	n := open[last].below
	if open[last].isAny {
		n++
	}
	open[last-1].below = max(open[last-1].below, n)
	return open[:last]
}

// stringEnd is the place after the string that begins at i.
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

// isTypeKey reports whether a string is "@type", however it is written.
func isTypeKey(text []byte) bool {
	const long = len(`"\u0040\u0074\u0079\u0070\u0065"`)
	var key string
	return len(text) <= long && json.Unmarshal(text, &key) == nil && key == "@type"
}
