package shell

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/repl"
)

// askSecrets asks, without echo, for the secrets that the history left out of a statement. It
// returns the exit code of a statement that cannot run.
func askSecrets(ctx context.Context, s *shell, l *line) (code int, ok bool) {
	text := l.source[l.st.Start:l.st.End]
	missing := strings.Count(text, repl.Redacted)
	for _, w := range l.st.Words {
		missing -= strings.Count(w.Text, repl.Redacted)
	}
	if missing != 0 || s.editor == nil || !s.interactive || s.env.ReadPassword == nil {
		at := l.st.Start + strings.Index(text, repl.Redacted)
		s.explain(l, &repl.SyntaxError{
			Start: at, End: at + len(repl.Redacted),
			Problem: "the history keeps no secrets: type it again",
		})
		return problem.BadUsage, false
	}
	l.secrets = map[int][]string{}
	at := l.st.Start
	for _, w := range l.st.Words {
		for range strings.Count(w.Text, repl.Redacted) {
			at += strings.Index(l.source[at:], repl.Redacted)
			value, err := s.env.ReadPassword(ctx,
				formatters.CleanLine(secretFor(l.source[l.st.Start:at]))+" (not shown): ")
			at += len(repl.Redacted)
			if err == nil && value == "" {
				err = problem.Usage(errors.New("nothing was typed, and nothing is done"), "")
			}
			if err != nil {
				s.failed(l, err)
				s.editor.Put(repl.Line{Text: l.source, Cursor: len(l.source)})
				return problem.Code(err), false
			}
			l.secrets[w.Start] = append(l.secrets[w.Start], value)
		}
	}
	return problem.OK, true
}

// secretFor says what a secret is for, from the text before it.
func secretFor(before string) string {
	m := regexp.MustCompile(`([A-Za-z0-9_.\-]+)["']?\s*(:=|[=: ])\s*["']?$`).FindStringSubmatch(before)
	if m == nil {
		return "what the history left out"
	}
	return m[1]
}
