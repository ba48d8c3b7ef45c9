package jq

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/itchyny/gojq"
)

// A value can hold another value many times, and that one a third, so that after forty steps
// the text of one would fill any disk although it takes little memory. The functions that walk
// over all of a value in one step are redefined to check its size first. The original ones
// remain reachable as _of_NAME; what a string interpolates and what the @formats print goes
// through tostring, tojson and the functions behind the formats, which are looked up like any
// other.
const (
	guardWhole = "def _of_%[1]s: %[1]s; def %[1]s: _whole($_most) | _of_%[1]s;"
	guardBy    = "def %[1]s(f): _whole($_most) | _%[1]s(map([f]) | _whole($_most));"
	guardPair  = "def _of_%[1]s($x): %[1]s($x); def %[1]s($x): _beside($x; $_most) | _of_%[1]s($x);"
	guardText1 = "def _of_%[1]s($re): %[1]s($re); def %[1]s($re): _searched($_most) | _of_%[1]s($re);"
	guardText2 = "def _of_%[1]s($re; $s): %[1]s($re; $s); def %[1]s($re; $s): _searched($_most) | _of_%[1]s($re; $s);"
	guardSub2  = "def _of_%[1]s($re; f): %[1]s($re; f); def %[1]s($re; f): _searched($_most) | _of_%[1]s($re; f);"
	guardSub3  = "def _of_%[1]s($re; f; $s): %[1]s($re; f; $s); def %[1]s($re; f; $s): _searched($_most) | _of_%[1]s($re; f; $s);"
)

// guards are the definitions, in an order in which each may use those above it.
var guards = []struct{ names, definition string }{
	{"tojson tostring _tohtml _touri _tocsv _totsv _tosh _tobase64 flatten sort unique min max error halt_error", guardWhole},
	{"sort_by group_by unique_by min_by max_by", guardBy},
	{"contains inside index rindex indices", guardPair},
	{"match scan splits capture", guardText1},
	{"match scan splits capture split", guardText2},
	{"sub gsub", guardSub2},
	{"sub gsub", guardSub3},
	{"format", "def _of_format($f): format($f); def format($f): _whole($_most) | _of_format($f);"},
	{"flatten", "def _of_flatten($n): flatten($n); def flatten($n): _whole($_most) | _of_flatten($n);"},
	{"error", "def _of_error($v): error($v); def error($v): ($v | _whole($_most)) as $v | _of_error($v);"},
	{"halt_error", "def _of_halt_error($n): halt_error($n); def halt_error($n): _whole($_most) | _of_halt_error($n);"},
	{"bsearch", "def _of_bsearch($x): bsearch($x); def bsearch($x): ($x | _whole($_most)) as $x | _of_bsearch($x);"},
	{"add", `def _of_add: add; def add: _joined(""; $_most) | _of_add; def add(f): [f] | add;`},
	{"join", "def _of_join($s): join($s); def join($s): _joined($s; $_most) | _of_join($s);"},
	{"transpose", "def _of_transpose: transpose; def transpose: _columns($_most) | _of_transpose;"},
	{"IN", "def IN(s): any(_compare(s; .; $_most) == 0; .); def IN(src; s): any(_compare(src; s; $_most) == 0; .);"},
	{"INDEX", "def INDEX(s; f): reduce s as $row ({}; .[$row | f | tostring] = $row); def INDEX(f): INDEX(.[]; f);"},
}

// guarded returns definitions of the guarded functions that a program names.
func guarded(query *gojq.Query) []*gojq.FuncDef {
	named := map[string]bool{}
	each(reflect.ValueOf(query), func(node any) {
		switch n := node.(type) {
		case *gojq.Func:
			named[n.Name] = true
		case *gojq.String:
			named["tostring"] = named["tostring"] || n.Queries != nil
		case *gojq.Term:
			switch n.Format {
			case "":
			case "@text":
				named["tostring"] = true
			case "@json":
				named["tojson"] = true
			default:
				named["_to"+n.Format[1:]] = true
			}
		}
	})
	named["tostring"] = named["tostring"] || named["INDEX"]
	var program strings.Builder
	for _, g := range guards {
		for name := range strings.FieldsSeq(g.names) {
			switch {
			case !named[name]:
			case strings.Contains(g.definition, "%"):
				fmt.Fprintf(&program, g.definition, name)
			default:
				program.WriteString(g.definition)
			}
		}
	}
	if program.Len() == 0 {
		return nil
	}
	return fill(program.String()+" .", nil, nil).FuncDefs
}

// guardFunctions are what the definitions call. Their last argument is the size up to which a
// value may be walked over.
func guardFunctions() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("_whole", 1, 1, checkWhole),
		gojq.WithFunction("_compare", 3, 3, checkCompare),
		gojq.WithFunction("_difference", 3, 3, checkDifference),
		gojq.WithFunction("_beside", 2, 2, checkBeside),
		gojq.WithFunction("_searched", 1, 1, checkSearched),
		gojq.WithFunction("_joined", 2, 2, checkJoined),
		gojq.WithFunction("_columns", 1, 1, checkColumns),
		gojq.WithVariables([]string{"$_most"}),
	}
}

// errTooLarge returns the error for a value whose text exceeds the limit most, in bytes.
func errTooLarge(most int) error {
	return fmt.Errorf("a value of more than %d MiB, or of more than %d levels", most>>20, maxWalkDepth)
}

// checkWhole returns a value, or the error for one that is too large.
func checkWhole(v any, args []any) any {
	most := args[0].(int)
	if size(v, most) > most {
		return errTooLarge(most)
	}
	return v
}

// checkCompare returns which of two values is greater, as gojq.Compare does.
func checkCompare(_ any, args []any) any {
	w := walk{room: args[2].(int)}
	result := w.compare(args[0], args[1], 0)
	if w.room < 0 {
		return errTooLarge(args[2].(int))
	}
	return result
}

// checkDifference returns both operands of a difference, or the error for arrays that take too
// many comparisons.
func checkDifference(_ any, args []any) any {
	if _, ok := args[0].([]any); ok {
		if err, failed := checkBeside(args[0], args[1:]).(error); failed {
			return err
		}
	}
	return []any{args[0], args[1]}
}

// maxPairs bounds the functions that compare each part of one value with each part of another:
// the product of the sizes of both, in bytes, may be this many times the size that one value
// may have.
const maxPairs = 128

// checkBeside returns a value, or the error if it and another are too large to be compared
// part by part. Searching a text in another takes one step, and is not bounded.
func checkBeside(v any, args []any) any {
	if _, text := v.(string); text {
		return v
	}
	most := args[1].(int)
	l, r := size(v, most), size(args[0], most)
	if l > most || r > most {
		return errTooLarge(most)
	}
	if int64(l)*int64(r) > maxPairs*int64(most) {
		return fmt.Errorf("values of %d and %d bytes are too large to be compared part by part", l, r)
	}
	return v
}

// checkSearched returns a text, or the error for one in which a regular expression could match
// too often: each match takes some hundred bytes.
func checkSearched(v any, args []any) any {
	if text, ok := v.(string); ok && len(text) > args[0].(int)/8 {
		return fmt.Errorf("a text of %d bytes is too long to be searched", len(text))
	}
	return v
}

// checkJoined returns the values that are to be added or joined, or the error if the result
// would be too large.
func checkJoined(v any, args []any) any {
	most, texts, elements := args[1].(int), 0, 0
	separator, _ := args[0].(string)
	part := func(v any) {
		texts += len(separator)
		switch v := v.(type) {
		case string:
			texts += len(v)
		case []any:
			elements += len(v)
		}
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			part(e)
		}
	case map[string]any:
		for _, e := range v {
			part(e)
		}
	}
	if texts > most || elements > most/4 {
		return errTooLarge(most)
	}
	return v
}

// checkColumns returns an array that is to be transposed, or the error if the result would be
// too large.
func checkColumns(v any, args []any) any {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		if row, ok := row.([]any); ok {
			longest = max(longest, len(row))
		}
	}
	if most := args[0].(int); len(rows)*longest > most/4 {
		return errTooLarge(most)
	}
	return v
}
