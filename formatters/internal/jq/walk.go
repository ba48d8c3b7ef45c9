package jq

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/big"
	"slices"

	"github.com/itchyny/gojq"
)

// size returns about how long the text of a value is, in bytes, or more than most.
func size(v any, most int) int {
	w := walk{room: most}
	w.over(v, 0)
	return most - w.room
}

// maxWalkDepth is how many levels of a value are walked over: a process that passes the limit of a
// goroutine's stack is ended.
const maxWalkDepth = 10000

// A walk goes over values until it has seen as much as it may, in bytes of their text.
type walk struct{ room int }

// deeper reports whether the walk may go on, at a depth.
func (w *walk) deeper(depth int) bool {
	if depth > maxWalkDepth {
		w.room = -1
	}
	return w.room >= 0
}

// over takes the size of a value from the room.
func (w *walk) over(v any, depth int) {
	switch v := v.(type) {
	case string:
		w.room -= len(v) + 2
	case json.Number:
		w.room -= len(v)
	case *big.Int:
		w.room -= v.BitLen() / 3
	case []any:
		w.room -= len(v) + 1
		for i := 0; i < len(v) && w.deeper(depth); i++ {
			w.over(v[i], depth+1)
		}
	case map[string]any:
		w.room -= 4*len(v) + 2
		for key, e := range v {
			if !w.deeper(depth) {
				return
			}
			w.room -= len(key)
			w.over(e, depth+1)
		}
	default:
		w.room -= 4
	}
}

// compare is gojq.Compare, as long as there is room.
func (w *walk) compare(l, r any, depth int) int {
	w.room--
	switch l := l.(type) {
	case string:
		if r, ok := r.(string); ok {
			w.room -= min(len(l), len(r))
		}
	case []any:
		r, ok := r.([]any)
		if !ok {
			break
		}
		for i := range min(len(l), len(r)) {
			if !w.deeper(depth) {
				return 0
			}
			if c := w.compare(l[i], r[i], depth+1); c != 0 {
				return c
			}
		}
		return cmp.Compare(len(l), len(r))
	case map[string]any:
		r, ok := r.(map[string]any)
		if !ok {
			break
		}
		w.room -= 16 * (len(l) + len(r)) // their keys are sorted
		keys := slices.Sorted(maps.Keys(l))
		if c := slices.Compare(keys, slices.Sorted(maps.Keys(r))); c != 0 {
			return c
		}
		for _, key := range keys {
			if !w.deeper(depth) {
				return 0
			}
			if c := w.compare(l[key], r[key], depth+1); c != 0 {
				return c
			}
		}
		return 0
	}
	return gojq.Compare(l, r)
}

// merge takes what is copied when two objects are merged from the room.
func (w *walk) merge(l, r map[string]any, depth int) {
	w.room -= len(l) + len(r)
	for key, v := range r {
		if !w.deeper(depth) {
			return
		}
		if v, ok := v.(map[string]any); ok {
			if l, ok := l[key].(map[string]any); ok {
				w.merge(l, v, depth+1)
			}
		}
	}
}
