// Package symbol holds what every source of a schema needs to know about symbols: which names
// are valid, where a built file declares a symbol, and the errors of a lookup.
package symbol

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// MaxName is the length in bytes of the longest name that is looked up.
const MaxName = 1024

// Valid reports whether text from outside is a name, simple or full, of at most MaxName bytes.
func Valid[N interface {
	~string
	IsValid() bool
}](name N) bool {
	return len(name) <= MaxName && name.IsValid()
}

// Printable reports whether text can be shown as part of a name: it is UTF-8 without control
// characters.
func Printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Within reports whether a name is in a package or in one below it.
func Within(pkg, name protoreflect.FullName) bool {
	if pkg == "" {
		return true
	}
	return len(name) > len(pkg) && name[len(pkg)] == '.' && name[:len(pkg)] == pkg
}

// Join returns the full name of what is declared by a relative name in a package or message.
func Join(scope protoreflect.FullName, name string) protoreflect.FullName {
	if scope == "" {
		return protoreflect.FullName(name)
	}
	return scope + "." + protoreflect.FullName(name)
}

// Candidates returns the full names that a reference in a scope may mean, the innermost first.
// A reference with a leading dot means one name.
func Candidates(scope protoreflect.FullName, ref string) []protoreflect.FullName {
	if full, ok := strings.CutPrefix(ref, "."); ok {
		return []protoreflect.FullName{protoreflect.FullName(full)}
	}
	var names []protoreflect.FullName
	for ; scope != ""; scope = scope.Parent() {
		names = append(names, Join(scope, ref))
	}
	return append(names, protoreflect.FullName(ref))
}
