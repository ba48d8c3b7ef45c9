package shell

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/assist"
)

// A view is the shell as the assistant of its prompt sees it.
type view struct{ s *shell }

// Typing implements assist.Shell.
func (v view) Typing() protoreflect.MethodDescriptor {
	if w := v.s.talking.Load(); w != nil {
		return w.call.Method
	}
	return nil
}

// Warning implements assist.Shell.
func (v view) Warning() string {
	if w := v.s.talking.Load(); w != nil && w.talk.stuck.Load() {
		return v.s.env.Sign("sending… ", "sending... ") + notReading
	}
	return ""
}

// Used implements assist.Shell.
func (v view) Used() []string { return v.s.used }

// Jobs implements assist.Shell.
func (v view) Jobs() []assist.Call {
	var calls []assist.Call
	for _, w := range v.s.jobs.all() {
		calls = append(calls, assist.Call{Number: w.number, Name: w.name})
	}
	return calls
}

// Results implements assist.Shell.
func (v view) Results() []assist.Call {
	var calls []assist.Call
	for _, n := range v.s.results.numbers() {
		if w := v.s.results.get(n); w != nil { // it may have been dropped meanwhile
			calls = append(calls, assist.Call{Number: n, Name: w.name})
		}
	}
	return calls
}

// Variables implements assist.Shell.
func (v view) Variables() []string { return v.s.vars.Names() }

// Fields implements assist.Shell.
func (v view) Fields(expression string) ([]string, error) {
	value, err := v.s.vars.Evaluate(expression)
	if err != nil {
		return nil, err
	}
	return value.Fields(), nil
}

// Seen implements assist.Shell.
func (v view) Seen(field string) []string { return v.s.results.seen(field) }
