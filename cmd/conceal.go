package cmd

import (
	"strconv"
	"strings"
	"sync"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/repl"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// redactionPolicy is what is secret in what was typed: by the one policy, and the fields that
// a schema calls so.
func redactionPolicy(declared func(name string) bool) repl.Secrets {
	return repl.Secrets{
		Name:   func(name string) bool { return secret.Name(name) || declared(name) },
		Header: secret.Request,
		Value:  secret.Value,
		URL:    secret.URL,
	}
}

// concealedName is the text of an error about what does not look like a name, without the
// secrets in it: it may be a field with its value, or a line of any file.
func concealedName(err error, e *discovery.NameError) string {
	var b strings.Builder
	at := 0
	for _, s := range repl.SecretSpans(e.Name, redactionPolicy(func(string) bool { return false })) {
		b.WriteString(e.Name[at:s.Start] + secret.Mask)
		at = s.End
	}
	b.WriteString(e.Name[at:])
	return strings.ReplaceAll(err.Error(), strconv.Quote(e.Name), strconv.Quote(b.String()))
}

// inputSecrets returns what finds the secrets in input for a message, which errors do not
// show. It is made ready when there is an error.
func inputSecrets(md protoreflect.MessageDescriptor) func(text string) [][2]int {
	policy := sync.OnceValue(func() repl.Secrets {
		declared := map[string]bool{}
		addDeclared(declared, md, map[protoreflect.FullName]bool{})
		return redactionPolicy(func(name string) bool { return declared[name] })
	})
	return func(text string) [][2]int {
		var spans [][2]int
		for _, s := range repl.SecretSpans(text, policy()) {
			spans = append(spans, [2]int{s.Start, s.End})
		}
		return spans
	}
}

// addDeclared adds the names of the fields below a message whose schema calls them secret.
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
