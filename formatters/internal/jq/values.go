package jq

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
	"github.com/rpcctl/rpcctl/formatters/internal/memory"
)

// What values take in memory, in bytes, as the runtime allocates them, with the garbage of
// growing them.
const (
	objectCost = 48
	fewCost    = 288 // the members of an object of at most fewMembers
	fewMembers = 8
	memberCost = 64 // of each member more
	arrayCost  = 24
	slotCost   = 36 // of an array that grows
	placeCost  = 16 // an element of an array whose length is known
	textCost   = 24 // a text or number, in addition to its bytes
	keyCost    = 8  // a key, in addition to its bytes
)

const (
	// sharedTexts is how many different texts, numbers and keys are shared, however often they
	// occur, and sharedText how long each may be, in bytes.
	sharedTexts, sharedText = 1 << 10, 64
	// maxValueDepth is how many levels of a document are read.
	maxValueDepth = 10001
	// lookEvery is how many values are read between two looks at whether to end.
	lookEvery = 1 << 12
	// longArray is the number of elements from which an array is allocated at its full length,
	// in documents of countedSize bytes and more: growing it would take more than twice as
	// much.
	longArray, countedSize = 1 << 12, 1 << 20
)

// ErrInput is the error for a document that is too large for a program to work on.
var ErrInput = &memory.Error{As: "what a jq program makes of it"}

// errNoJSON is the error for a document that our own encoder did not make.
var errNoJSON = errors.New("what the program is to work on is no JSON")

// A valueReader makes the values of a JSON document that a program works on. The memory that
// they take is counted: an empty object takes thirty times the two bytes of its text.
type valueReader struct {
	text  []byte
	pos   int
	depth int
	room  int         // bytes that values may still take
	long  map[int]int // the lengths of long arrays, by where they begin
	count int
	done  <-chan struct{}
	texts map[string]any
	keys  map[string]string
}

// readValues returns the values of a document, in which numbers stay as they are written. The
// values may take about most bytes together. It ends early when done is closed.
func readValues(document []byte, most int, done <-chan struct{}) (any, error) {
	r := &valueReader{text: document, room: most, done: done}
	if len(document) >= countedSize {
		r.long = longArrays(document)
	}
	return r.value()
}

// longArrays returns the lengths of long arrays, by where they begin.
func longArrays(document []byte) map[int]int {
	type open struct{ pos, commas int }
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
			levels = append(levels, open{pos: i})
		case ',':
			if len(levels) > 0 {
				levels[len(levels)-1].commas++
			}
		case '}', ']':
			if len(levels) == 0 {
				return long
			}
			if l := levels[len(levels)-1]; document[i] == ']' && l.commas >= longArray {
				long[l.pos] = l.commas + 1
			}
			levels = levels[:len(levels)-1]
		}
	}
	return long
}

// next returns the next byte that is not white space, or 0 at the end.
func (r *valueReader) next() byte {
	for ; r.pos < len(r.text); r.pos++ {
		if c := r.text[r.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// take counts n bytes of memory.
func (r *valueReader) take(n int) error {
	if r.room -= n; r.room < 0 {
		return ErrInput
	}
	return nil
}

// value reads a value.
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
		if r.pos++; c == '{' {
			v, err = r.object()
		} else {
			v, err = r.array()
		}
		r.depth--
		return v, err
	case '"':
		return r.scalar(jsontext.ValueEnd(r.text[r.pos:]))
	}
	n := r.pos
	for n < len(r.text) && r.text[n] > ' ' && r.text[n] != ',' && r.text[n] != ']' && r.text[n] != '}' {
		n++
	}
	return r.scalar(n - r.pos)
}

// scalar returns the value of the next n bytes.
func (r *valueReader) scalar(n int) (any, error) {
	text := r.text[r.pos : r.pos+n]
	r.pos += n
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
	if err := r.take(textCost + n); err != nil {
		return nil, err
	}
	v, err := textOrNumber(text)
	if err != nil {
		return nil, err
	}
	if n <= sharedText && len(r.texts) < sharedTexts {
		if r.texts == nil {
			r.texts = map[string]any{}
		}
		r.texts[string(text)] = v
	}
	return v, nil
}

// textOrNumber returns the value of a string or a number.
func textOrNumber(text []byte) (any, error) {
	switch n := len(text); {
	case text[0] == '"' && n > 1 && text[n-1] == '"':
		return jsontext.Text(text), nil
	case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
		return json.Number(text), nil
	}
	return nil, errNoJSON
}

// array reads the elements of an array after its bracket.
func (r *valueReader) array() (any, error) {
	n, each := r.long[r.pos-1], slotCost
	if n > 0 {
		each = 0
	}
	if err := r.take(arrayCost + placeCost*n); err != nil {
		return nil, err
	}
	all := make([]any, 0, n)
	for {
		c := r.next()
		if c == ']' {
			r.pos++
			return all, nil
		}
		if len(all) > 0 {
			if c != ',' {
				return nil, errNoJSON
			}
			r.pos++
		}
		v, err := r.value()
		if err != nil {
			return nil, err
		}
		if err := r.take(each); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// object reads the members of an object after its brace.
func (r *valueReader) object() (any, error) {
	all := map[string]any{}
	if err := r.take(objectCost); err != nil {
		return nil, err
	}
	for {
		c := r.next()
		if c == '}' {
			r.pos++
			return all, nil
		}
		if len(all) > 0 {
			if c != ',' {
				return nil, errNoJSON
			}
			r.pos++
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
			err = r.take(fewCost)
		case n > fewMembers:
			err = r.take(memberCost)
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
	n := jsontext.ValueEnd(r.text[r.pos:])
	text := r.text[r.pos : r.pos+n]
	if r.pos += n; r.next() != ':' {
		return "", errNoJSON
	}
	r.pos++
	if key, ok := r.keys[string(text)]; ok {
		return key, nil
	}
	if err := r.take(keyCost + n); err != nil {
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
