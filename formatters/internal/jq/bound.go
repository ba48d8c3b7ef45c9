package jq

import (
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"github.com/itchyny/gojq"
)

// A step of a program cannot be interrupted, and steps that repeat a text, or put a value far
// past the end of an array, could take gigabytes. They are rewritten, so that functions of
// ours check their operands first:
//
//	l * r           becomes    _bounded(l; r) | .[0] * .[1]
//	p *= r          becomes    r as $_bounded | p |= (_bounded(.; $_bounded) | .[0] * .[1])
//	v[i]            becomes    v[i | _index]
//	setpath(p; v)   becomes    setpath(p | _index; v)
//
// and, in a program that may repeat them, sums, each of which may double a value:
//
//	l + r           becomes    _summands(l; r) | .[0] + .[1]
//	p += r          becomes    r as $_bounded | p |= (_summands(.; $_bounded) | .[0] + .[1])
//
// and what compares values, unless one of them is a constant:
//
//	l == r          becomes    _compare(l; r; $_most) == 0
//	l - r           becomes    _difference(l; r; $_most) | .[0] - .[1]
//	p -= r          becomes    r as $_bounded | p |= (_difference(.; $_bounded; $_most) | .[0] - .[1])
const boundedOperands, boundedSummands, boundedIndex = "_bounded", "_summands", "_index"

const (
	maxRepeat = 16 << 20 // bytes of the longest text that is made by repeating one, or by adding to it
	maxIndex  = 4 << 20  // of an array
	maxBits   = 1 << 20  // bits of the greatest number that is made by multiplying two
)

// checkSummands returns both operands of a sum, or the error for one that is too long.
func checkSummands(_ any, operands []any) any {
	switch l := operands[0].(type) {
	case string:
		if r, ok := operands[1].(string); ok && len(l)+len(r) > maxRepeat {
			return fmt.Errorf("a text of more than %d MiB", maxRepeat>>20)
		}
	case []any:
		if r, ok := operands[1].([]any); ok && len(l)+len(r) > maxIndex {
			return fmt.Errorf("an array of more than %d values", maxIndex)
		}
	}
	return []any{operands[0], operands[1]}
}

// checkIndex returns an index, or a path with some, or the error for one that is too great.
func checkIndex(v any, _ []any) any {
	indexes, isPath := v.([]any)
	if len(indexes) > maxWalkDepth || isPath && size(v, maxRepeat) > maxRepeat {
		return fmt.Errorf("a path of more than %d steps", maxWalkDepth)
	}
	if !isPath {
		indexes = []any{v}
	}
	for _, i := range indexes {
		if _, text := i.(string); text {
			continue
		}
		if n, ok := gojq.ToFloat64(i); ok && n > maxIndex {
			return fmt.Errorf("the index %v is greater than %d", n, maxIndex)
		}
	}
	return v
}

// checkRepeat returns both operands of a product, or the error for a text that is repeated too
// often, for a number that is too great, and for objects whose merging copies too much.
func checkRepeat(_ any, operands []any) any {
	switch l := operands[0].(type) {
	case *big.Int:
		if r, ok := operands[1].(*big.Int); ok && l.BitLen()+r.BitLen() > maxBits {
			return fmt.Errorf("a number of more than %d bits", maxBits)
		}
	case map[string]any:
		r, _ := operands[1].(map[string]any)
		if w := (walk{room: maxIndex}); r != nil {
			if w.merge(l, r, 0); w.room < 0 {
				return fmt.Errorf("an object of more than %d values", maxIndex)
			}
		}
	}
	for i, operand := range operands {
		text, ok := operand.(string)
		if !ok {
			continue
		}
		if n, ok := gojq.ToFloat64(operands[1-i]); ok && n*float64(len(text)) > maxRepeat {
			return fmt.Errorf("a text of %d bytes repeated %v times is longer than %d MiB", len(text), n, maxRepeat>>20)
		}
	}
	return []any{operands[0], operands[1]}
}

// boundSteps rewrites the steps of a program that could take much memory or time.
func boundSteps(query *gojq.Query) {
	loops := false
	each(reflect.ValueOf(query), func(node any) {
		switch n := node.(type) {
		case *gojq.Reduce, *gojq.Foreach, *gojq.FuncDef:
			loops = true
		case *gojq.Func: // functions that call their arguments more than once
			loops = loops || len(n.Args) > 0
		}
	})
	each(reflect.ValueOf(query), func(node any) {
		switch n := node.(type) {
		case *gojq.Query:
			boundQuery(n, loops)
		case *gojq.Index:
			if n.Start != nil && !n.IsSlice && !small(n.Start.Term) {
				n.Start = fill("_left | _index", n.Start, nil)
			}
		case *gojq.Func:
			if n.Name == "setpath" && len(n.Args) == 2 {
				n.Args[0] = fill("_left | _index", n.Args[0], nil)
			}
		}
	})
}

// small reports whether a term is a number that is not too great for an index.
func small(t *gojq.Term) bool {
	return t != nil && t.Type == gojq.TermTypeNumber && len(t.Number) <= 6 && strings.Trim(t.Number, "0123456789") == ""
}

// boundQuery rewrites an operation. Loops is set when the program may run it many times.
func boundQuery(q *gojq.Query, loops bool) {
	var program string
	switch {
	case q.Op == gojq.OpMul:
		program = "_bounded(_left; _right) | .[0] * .[1]"
	case q.Op == gojq.OpUpdateMul:
		program = "_right as $_bounded | _left |= (_bounded(.; $_bounded) | .[0] * .[1])"
	case q.Op == gojq.OpAdd && loops:
		program = "_summands(_left; _right) | .[0] + .[1]"
	case q.Op == gojq.OpUpdateAdd && loops:
		program = "_right as $_bounded | _left |= (_summands(.; $_bounded) | .[0] + .[1])"
	case q.Op == gojq.OpSub && !scalar(q.Left) && !scalar(q.Right):
		program = "_difference(_left; _right; $_most) | .[0] - .[1]"
	case q.Op == gojq.OpUpdateSub && !scalar(q.Right):
		program = "_right as $_bounded | _left |= (_difference(.; $_bounded; $_most) | .[0] - .[1])"
	case q.Op >= gojq.OpEq && q.Op <= gojq.OpLe:
		program = boundCompare(q)
	}
	if program == "" {
		return
	}
	definitions := q.FuncDefs
	*q = *fill(program, q.Left, q.Right)
	q.FuncDefs = definitions
}

// boundCompare returns the program for a comparison of values that may be large, or "".
func boundCompare(q *gojq.Query) string {
	if scalar(q.Left) || scalar(q.Right) {
		return ""
	}
	return "_compare(_left; _right; $_most) " + q.Op.String() + " 0"
}
