package globals

import (
	"testing"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
)

// Every flag stands under one head of the help.
func TestHeads(t *testing.T) {
	_, set, err := Parse(&env.Env{Getenv: func(string) string { return "" }}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, head := range Heads() {
		for _, name := range head.Flags {
			if count[name]++; set.Lookup(name) == nil {
				t.Errorf("%s has --%s, which is no flag", head.Title, name)
			}
		}
	}
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && count[f.Name] != 1 {
			t.Errorf("--%s stands under %d heads", f.Name, count[f.Name])
		}
	})
}
