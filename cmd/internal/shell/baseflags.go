package shell

import (
	"slices"
	"strings"
)

// baseFlags are the flags that every line begins with, each as one word: --name=value.
type baseFlags struct {
	base []string
}

// flag returns the value of a flag of every line, and whether it is there.
func (b *baseFlags) flag(name string) (string, bool) {
	for _, f := range slices.Backward(b.base) {
		if v, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// dropFlags takes flags away from every line.
func (b *baseFlags) dropFlags(drop func(name, value string) bool) {
	b.base = slices.DeleteFunc(slices.Clone(b.base), func(f string) bool {
		name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		return drop(name, value)
	})
}
