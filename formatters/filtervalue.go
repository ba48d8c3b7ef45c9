package formatters

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
)

// What values take in memory, in bytes, as the runtime allocates them, with what becomes
// garbage while they grow.
const (
	objectCost = 48
	fewCost    = 288 // of the members of an object, as long as there are no more than fewMembers
	fewMembers = 8
	memberCost = 64 // of each member more
	arrayCost  = 24
	slotCost   = 36 // of an array that grows
	placeCost  = 16 // of one whose length is known
	textCost   = 24 // of a text or number besides its bytes
	keyCost    = 8  // of a key besides its bytes
)

const (
	// sharedTexts is how many different texts, numbers and keys are kept once each, however
	// often they come, and sharedText how long each may be, in bytes.
	sharedTexts, sharedText = 1 << 10, 64
	// maxValueDepth is how many levels of a document are read.
	maxValueDepth = 10001
	// lookEvery is how many values are read between looks at the time.
	lookEvery = 1 << 12
	// longArray is from how many elements on an array is made in its length, in documents of
	// countedSize bytes and more: one that grows takes more than twice as much.
	longArray, countedSize = 1 << 12, 1 << 20
)

// errNoJSON is the error for a document that our own encoder has not made.
var errNoJSON = errors.New("what the program is to work on is no JSON")

// A valueReader makes the values of a JSON document that a program works on. What they take
// is counted: an empty object takes thirty times the two bytes of its text.
type valueReader struct {
	text  []byte
	at    int
	depth int
	left  int         // bytes that values may still take
	long  map[int]int // the lengths of long arrays, by where they begin
	count int
	done  <-chan struct{}
	texts map[string]any
	keys  map[string]string
}

// readValues returns the values of a document, which take about most bytes at most. Numbers
// stay as they are written. It ends when done is closed.
func readValues(document []byte, most int, done <-chan struct{}) (any, error) {
	r := &valueReader{text: document, left: most, done: done}
	if len(document) >= countedSize {
		r.long = longArrays(document)
	}
	return r.value()
}

// longArrays returns the lengths of long arrays, by where they begin.
func longArrays(document []byte) map[int]int {
	type open struct{ at, commas int }
	var levels []open
	long := map[int]int{}
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case '"':
			i += jsontext.ValueEnd(document[i:]) - 1
		case '{', '[':
			if len(levels) > maxValueDepth {
				return long
			}
			levels = append(levels, open{at: i})
		case ',':
			if len(levels) > 0 {
				levels[len(levels)-1].commas++
			}
		case '}', ']':
			if len(levels) == 0 {
				return long
			}
			if l := levels[len(levels)-1]; document[i] == ']' && l.commas >= longArray {
				long[l.at] = l.commas + 1
			}
			levels = levels[:len(levels)-1]
		}
	}
	return long
}

// next returns the next byte that is no white space, or 0 at the end.
func (r *valueReader) next() byte {
	for ; r.at < len(r.text); r.at++ {
		if c := r.text[r.at]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// took counts what was taken.
func (r *valueReader) took(n int) error {
	if r.left -= n; r.left < 0 {
		return errProgramInput
	}
	return nil
}

func (r *valueReader) value() (v any, err error) {
	if r.count++; r.count%lookEvery == 0 {
		select {
		case <-r.done:
			return nil, context.Canceled
		default:
		}
	}
	c := r.next()
	switch c {
	case '{', '[':
		if r.depth++; r.depth > maxValueDepth {
			return nil, errors.New("it nests too deep")
		}
		if r.at++; c == '{' {
			v, err = r.object()
		} else {
			v, err = r.array()
		}
		r.depth--
		return v, err
	case '"':
		return r.scalar(jsontext.ValueEnd(r.text[r.at:]))
	}
	n := r.at
	for n < len(r.text) && r.text[n] > ' ' && r.text[n] != ',' && r.text[n] != ']' && r.text[n] != '}' {
		n++
	}
	return r.scalar(n - r.at)
}

// scalar returns the value of the next n bytes.
func (r *valueReader) scalar(n int) (any, error) {
	text := r.text[r.at : r.at+n]
	r.at += n
	switch string(text) {
	case "":
		return nil, errNoJSON
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	if v, ok := r.texts[string(text)]; ok {
		return v, nil
	}
	if err := r.took(textCost + n); err != nil {
		return nil, err
	}
	var v any
	switch {
	case text[0] == '"' && n > 1 && text[n-1] == '"':
		v = jsontext.Text(text)
	case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
		v = json.Number(text)
	default:
		return nil, errNoJSON
	}
	if n <= sharedText && len(r.texts) < sharedTexts {
		if r.texts == nil {
			r.texts = map[string]any{}
		}
		r.texts[string(text)] = v
	}
	return v, nil
}

// array reads the elements of an array behind its bracket.
func (r *valueReader) array() (any, error) {
	n, each := r.long[r.at-1], slotCost
	if n > 0 {
		each = 0
	}
	if err := r.took(arrayCost + placeCost*n); err != nil {
		return nil, err
	}
	all := make([]any, 0, n)
	for {
		c := r.next()
		if c == ']' {
			r.at++
			return all, nil
		}
		if len(all) > 0 {
			if c != ',' {
				return nil, errNoJSON
			}
			r.at++
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		if err := r.took(each); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// object reads the members of an object behind its brace.
func (r *valueReader) object() (any, error) {
	all := map[string]any{}
	if err := r.took(objectCost); err != nil {
		return nil, err
	}
	for {
		c := r.next()
		if c == '}' {
			r.at++
			return all, nil
		}
		if len(all) > 0 {
			if c != ',' {
				return nil, errNoJSON
			}
			r.at++
		}
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		before := len(all)
		all[key] = v
		switch n := len(all); {
		case n == before:
		case n == 1:
			err = r.took(fewCost)
		case n > fewMembers:
			err = r.took(memberCost)
		}
		if err != nil {
			return nil, err
		}
	}
}

// key reads a key and its colon.
func (r *valueReader) key() (string, error) {
	if r.next() != '"' {
		return "", errNoJSON
	}
	n := jsontext.ValueEnd(r.text[r.at:])
	text := r.text[r.at : r.at+n]
	if r.at += n; r.next() != ':' {
		return "", errNoJSON
	}
	r.at++
	if key, ok := r.keys[string(text)]; ok {
		return key, nil
	}
	if err := r.took(keyCost + n); err != nil {
		return "", err
	}
	key := jsontext.Text(text)
	if n <= sharedText && len(r.keys) < sharedTexts {
		if r.keys == nil {
			r.keys = map[string]string{}
		}
		r.keys[string(text)] = key
	}
	return key, nil
}
