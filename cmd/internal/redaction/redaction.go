// Package redaction joins the policy of what is secret with the grammar of the shell: it
// finds the secrets in texts that somebody typed.
package redaction

import (
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/repl"
)

// Policy returns what is secret in a text that somebody typed: what package secret
// says, and the fields for whose names declared is true, such as those that a schema marks.
func Policy(declared func(name string) bool) repl.Secrets {
	return repl.Secrets{
		Name:   func(name string) bool { return secret.Name(name) || declared(name) },
		Header: secret.Request,
		Value:  secret.Value,
		URL:    secret.URL,
	}
}

// ConcealName returns the text of an error about a malformed name, with the secrets in the
// name masked: what stands for a name may be a field with its value, or a line of any file.
func ConcealName(err error, e *discovery.NameError) string {
	var b strings.Builder
	at := 0
	for _, s := range repl.SecretSpans(e.Name, Policy(func(string) bool { return false })) {
		b.WriteString(e.Name[at:s.Start] + secret.Mask)
		at = s.End
	}
	b.WriteString(e.Name[at:])
	return strings.ReplaceAll(err.Error(), strconv.Quote(e.Name), strconv.Quote(b.String()))
}

// OfInput returns a function that finds the secrets in the input for a message, as byte
// ranges. Errors about the input use it to mask them. Its policy is built at the first call.
func OfInput(md protoreflect.MessageDescriptor) func(text string) [][2]int {
	policy := sync.OnceValue(func() repl.Secrets {
		declared := map[string]bool{}
		addDeclared(declared, md, map[protoreflect.FullName]bool{})
		return Policy(func(name string) bool { return declared[name] })
	})
	return func(text string) [][2]int {
		var spans [][2]int
		for _, s := range repl.SecretSpans(text, policy()) {
			spans = append(spans, [2]int{s.Start, s.End})
		}
		return spans
	}
}

// addDeclared adds the names of all fields in a message and below it that the schema marks
// as secret.
func addDeclared(names map[string]bool, md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[md.FullName()] {
		return
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if secret.Declared(fd) {
			names[fd.TextName()], names[fd.JSONName()] = true, true
		}
		if fd.Message() != nil {
			addDeclared(names, fd.Message(), seen)
		}
	}
}
