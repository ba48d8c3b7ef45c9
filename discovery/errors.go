package discovery

import (
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/invoke"
)

// ErrNotFound is what the error of a lookup wraps when the source does not have the name. Any
// other error means that the question could not be answered.
var ErrNotFound = symbol.ErrNotFound

// An UnknownError is a name that the schema does not have. It wraps ErrNotFound.
type UnknownError = symbol.UnknownError

// The kinds of name in an UnknownError.
const (
	KindService = symbol.KindService
	KindMethod  = symbol.KindMethod
	KindSymbol  = symbol.KindSymbol
)

// A DescriptorError is a file descriptor that is not valid, or a symbol that no descriptor
// describes.
type DescriptorError = symbol.DescriptorError

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

// A NameError is text that cannot be the name of a method or symbol.
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
