package cmd

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
)

func testRoot() *app.App {
	a := app.New(&env.Env{Getenv: func(string) string { return "" }}, app.Process{})
	a.Session = session.New(session.World{})
	return a
}

func TestArrange(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"as cobra has it", "call M {} -a x", "call M {} -a x"},
		{"flags before the command", "-a x --plaintext call M", "call M -a x --plaintext"},
		{"a flag of the command before it", "-d {} call M", "call M -d {}"},
		{"one dash", "-plaintext -max-time 2 call M", "call M --plaintext --max-time 2"},
		{"one dash with a value", "call M -max-time=2", "call M --max-time=2"},
		{"a value that looks like a flag", "call M -H -x: 1", "call M 1 -H -x:"},
		{"a value that is a command", "-a list call M", "call M -a list"},
		{"short flags together", "-vv -k call M", "call M -vv -k"},
		{"a group that ends in one with a value", "-va x list", "list -va x"},
		{"a value attached", "-Idir list", "list -Idir"},
		{"standard input", "call M - -v", "call M - -v"},
		{"after two dashes all are words", "-v call M -- -a x", "call M -v -- -a x"},
		{"unknown flags are left alone", "list --nope x", "list x --nope"},
		{"completion is left alone", "__complete -a x call", "__complete -a x call"},
		{"one dash and a slip", "-plaintex list", "list --plaintex"},
		{"cobra's own", "-version", "--version"},
		{"a value is missing", "list -a", "list -a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(flags.Arrange(newRoot(testRoot()), strings.Fields(tt.in)), " ")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Nothing is lost or made up, and what is arranged stays as it is.
func FuzzArrange(f *testing.F) {
	for _, seed := range []string{"-a x call M -d {}", "-- -a", "-vvv - -Ix", "--max-time= -=", "-max-time=2 -k=v"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		args := strings.Fields(line)
		got := flags.Arrange(newRoot(testRoot()), args)
		if len(got) != len(args) {
			t.Fatalf("%q became %q", args, got)
		}
		if again := flags.Arrange(newRoot(testRoot()), got); !cmp.Equal(got, again) {
			t.Errorf("%q, then %q", got, again)
		}
	})
}

// A flag's name means one kind of flag wherever it stands: arrange relies on it.
func TestFlagsAgree(t *testing.T) {
	root := newRoot(testRoot())
	seen := map[string]bool{}
	for _, c := range append(root.Commands(), root) {
		for name, takesValue := range flags.Of(c) {
			if before, ok := seen[name]; ok && before != takesValue {
				t.Errorf("--%s takes a value in one command and none in another", name)
			}
			seen[name] = takesValue
		}
	}
}
