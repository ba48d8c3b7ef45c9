package discovery

import (
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
)

// The kinds of name in an UnknownError.
const (
	KindService = "service"
	KindMethod  = "method"
	KindSymbol  = "symbol"
)

// An UnknownError is a name that the schema does not have. It wraps ErrNotFound.
type UnknownError struct {
	Kind string // KindService, KindMethod or KindSymbol
	Name string // as it was typed; "" when In is a service and no method of it was named
	In   string // the full name of the service, when that is known
	Near []string
	// Near holds the nearest names, best first, at most three: full names, those of
	// methods as pkg.Service/Method.
}

func (e *UnknownError) Error() string {
	switch {
	case e.Kind == KindMethod && e.Name == "":
		return fmt.Sprintf("%s is a service, and no method of it is named", e.In)
	case e.Kind == KindMethod && e.In != "":
		return fmt.Sprintf("%s/%s: no such method", e.In, e.Name)
	default:
		return fmt.Sprintf("%s: no such %s", e.Name, e.Kind)
	}
}

// Unwrap returns ErrNotFound.
func (e *UnknownError) Unwrap() error { return ErrNotFound }

// An AmbiguousError is a short name that several symbols answer to.
type AmbiguousError struct {
	Name       string   // as it was typed
	Candidates []string // full names, sorted; those of methods as pkg.Service/Method
}

func (e *AmbiguousError) Error() string {
	const most = 5
	shown, more := e.Candidates, ""
	if len(shown) > most {
		shown, more = shown[:most], fmt.Sprintf(" and %d more", len(e.Candidates)-most)
	}
	return fmt.Sprintf("%q is ambiguous: %s%s", e.Name, strings.Join(shown, ", "), more)
}

// A NameError is text that can not be the name of a method or symbol.
type NameError struct {
	Name   string // as it was typed
	Reason string
}

func (e *NameError) Error() string { return fmt.Sprintf("name %q: %s", e.Name, e.Reason) }

// A NoReflectionError is a server without the reflection service: it answered
// UNIMPLEMENTED to each version that was asked.
type NoReflectionError struct {
	Versions []string // v1, v1alpha, in the order asked
	Status   *invoke.Status
}

func (e *NoReflectionError) Error() string {
	return fmt.Sprintf("the server has no reflection service (asked for %s)", strings.Join(e.Versions, " and "))
}

// Unwrap returns the *invoke.StatusError of the first version asked.
func (e *NoReflectionError) Unwrap() error { return e.Status.Err() }

// A ReflectionError is a reflection question that did not get an answer.
type ReflectionError struct {
	Question string // what was asked, for people: file of symbol "shop.v1.Shop"
	Status   *invoke.Status
}

func (e *ReflectionError) Error() string {
	return fmt.Sprintf("reflection, asking for the %s: %v", e.Question, e.Status.Err())
}

// Unwrap returns the *invoke.StatusError that the question ended in.
func (e *ReflectionError) Unwrap() error { return e.Status.Err() }

// A DescriptorError is a file descriptor that is not in order, or a symbol whose
// descriptor is not to be had.
type DescriptorError struct {
	Origin string // the descriptor set, or "reflection"; "" when unknown
	File   string // the path of the .proto file, as its descriptor names it; "" when unknown
	Symbol string // the full name concerned; "" when it is the file as a whole
	Err    error  // what is wrong
}

func (e *DescriptorError) Error() string {
	var subject string
	switch {
	case e.Symbol != "" && e.File != "":
		subject = fmt.Sprintf("%q in %q", e.Symbol, e.File)
	case e.Symbol != "":
		subject = fmt.Sprintf("%q", e.Symbol)
	case e.File != "":
		subject = fmt.Sprintf("%q", e.File)
	default:
		return fmt.Sprintf("%s: %v", e.Origin, e.Err)
	}
	if e.Origin != "" {
		subject += " from " + e.Origin
	}
	return "descriptor of " + subject + ": " + e.Err.Error()
}

// Unwrap returns what is wrong.
func (e *DescriptorError) Unwrap() error { return e.Err }
