package shell

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/repl"
)

// A record is the history of what was typed, without its secrets.
type record struct {
	env     *env.Env
	history *repl.History
	kept    bool                // on disk; else for this shell alone
	secrets func() repl.Secrets // what is secret in statements
	say     func(text string)
	told    atomic.Bool // that it does not work
}

// asTyped returns a text as a person would have typed it: without the holes of a request that
// were not filled in.
func asTyped(text string) string {
	if len(repl.Holes(text)) == 0 {
		return text
	}
	return repl.Compact(text)
}

// remember keeps a line that was meant for a target and ended with an exit code. With off set
// it does not write the line to disk.
func (r *record) remember(text, target string, code int, off bool) {
	if code == problem.OK { // a request that comes back to be corrected keeps its holes
		text = asTyped(text)
	}
	if strings.HasPrefix(text, " ") || strings.TrimSpace(text) == "" {
		return
	}
	redacted := r.redact(text)
	if !r.kept || off {
		r.history.Keep(redacted)
		return
	}
	err := r.history.Add(repl.Entry{
		Time: r.env.Now().UTC().Truncate(time.Millisecond), Target: shownTarget(target),
		Line: redacted, Code: code,
	})
	if err != nil {
		r.failed("the line could not be kept", err)
	}
}

// failed says once why the history does not work.
func (r *record) failed(what string, err error) {
	if !r.told.Swap(true) {
		r.say(what + ": " + formatters.CleanLine(err.Error()))
	}
}

// redact takes the secrets out of a text.
func (r *record) redact(text string) string {
	return r.env.Secrets.Mask(repl.Redact(text, r.secrets()))
}

// shownTarget is a target without what may be a secret in it.
func shownTarget(text string) string { return secret.Address(invoke.MaskTarget(text)) }

// open reads the history. Without one the shell works all the same.
func (r *record) open() {
	path := r.env.StatePath("history")
	if !r.kept || path == "" {
		return
	}
	if err := r.history.Open(path); err != nil {
		r.failed("no history", err)
	}
}
