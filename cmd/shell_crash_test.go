//go:build unix

package cmd_test

import (
	"os"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/repl"
)

// crashingEditor is a program with the shell's editor and two keys that go wrong: F11 panics,
// and F12 panics in a goroutine.
func crashingEditor() {
	var e *repl.Editor
	e, err := repl.Open(repl.Options{Keys: map[repl.Key]func(repl.Line) (repl.Line, string){
		"F11": func(repl.Line) (repl.Line, string) { panic("on purpose") },
		"F12": func(l repl.Line) (repl.Line, string) {
			e.Go(func() { panic("on purpose") })
			return l, ""
		},
		"F10": func(l repl.Line) (repl.Line, string) {
			fault.Before(e.Restore)
			go func() { // like the goroutines of a call, which know nothing of the editor
				defer fault.Exit()
				panic("on purpose")
			}()
			return l, ""
		},
	}})
	if err != nil {
		os.Exit(1)
	}
	for {
		if _, err := e.Read(); err != nil {
			break
		}
	}
	if e.Close() != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
