// Package jq runs jq programs on JSON documents within bounds of memory and time, whatever the
// program and the document are. Its main type is [Filter].
//
// The language is gojq's. What a program does in one step cannot be interrupted, so before it is
// compiled it is rewritten to have the operands of costly steps checked (bound.go, guard.go);
// while it runs its memory is watched (run.go), and what it starts from (values.go) and results in
// (result.go) is counted.
package jq

import (
	"errors"

	"github.com/itchyny/gojq"
)

// A Filter is a compiled jq program (https://jqlang.org/manual/, in the dialect of gojq). It is
// safe for concurrent use.
type Filter struct{ code *gojq.Code }

// An Error is a jq program that does not parse, or that failed on a message.
type Error struct {
	Program string // the program that does not parse; "" when it failed on a message
	Offset  int    // bytes of the program before the fault
	Err     error
}

func (e *Error) Error() string { return "jq: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Parse compiles a jq program. The error is an *Error.
func Parse(program string) (*Filter, error) {
	query, err := gojq.Parse(program)
	if err != nil {
		e := &Error{Program: program, Err: err}
		var pe *gojq.ParseError
		if errors.As(err, &pe) {
			e.Offset = max(0, pe.Offset-len(pe.Token))
		}
		return nil, e
	}
	definitions := guarded(query)
	boundSteps(query)
	query.FuncDefs = append(definitions, query.FuncDefs...)
	code, err := gojq.Compile(query, append(guardFunctions(), gojq.WithFunction(boundedOperands, 2, 2, checkRepeat),
		gojq.WithFunction(boundedSummands, 2, 2, checkSummands), gojq.WithFunction(boundedIndex, 0, 0, checkIndex))...)
	if err != nil {
		return nil, &Error{Program: program, Err: err}
	}
	return &Filter{code}, nil
}
