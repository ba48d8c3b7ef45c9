package jq

import (
	"reflect"

	"github.com/itchyny/gojq"
)

// each calls visit with the nodes of a program's tree, each after those below it.
func each(v reflect.Value, visit func(node any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			each(v.Elem(), visit)
			visit(v.Interface())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				each(v.Field(i), visit)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			each(v.Index(i), visit)
		}
	}
}

// fill returns the tree of a program of ours with operands in place of _left and _right.
func fill(program string, left, right *gojq.Query) *gojq.Query {
	q, err := gojq.Parse(program)
	if err != nil {
		panic(err) // the programs are constants
	}
	each(reflect.ValueOf(q), func(node any) {
		t, ok := node.(*gojq.Term)
		if !ok || t.Func == nil {
			return
		}
		switch t.Func.Name {
		case "_left":
			t.Type, t.Query, t.Func = gojq.TermTypeQuery, left, nil
		case "_right":
			t.Type, t.Query, t.Func = gojq.TermTypeQuery, right, nil
		}
	})
	return q
}

// scalar reports whether a query is a constant that holds no other value.
func scalar(q *gojq.Query) bool {
	if q.Term == nil || len(q.Term.SuffixList) > 0 {
		return false
	}
	switch t := q.Term; t.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse, gojq.TermTypeNumber:
		return true
	case gojq.TermTypeString:
		return t.Str.Queries == nil
	}
	return false
}
