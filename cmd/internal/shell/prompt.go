package shell

import (
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/width"
	"github.com/rpcctl/rpcctl/repl"
)

// promptText is what stands before the text.
func (s *shell) promptText() (string, repl.Style) {
	if w := s.talking.Load(); w != nil {
		return w.talk.prompt(w.name), repl.Accent
	}
	where, style := formatters.CleanLine(shownTarget(s.target())), repl.Accent
	if s.code != problem.OK {
		style = repl.Bad
	}
	if where == "" {
		where = "(not connected)"
	}
	if used := s.using(); used != "" {
		where = used[strings.LastIndexByte(used, '.')+1:] + "@" + where
	}
	if s.editor != nil {
		cols, _ := s.editor.Size()
		if limit := max(10, cols/3); width.Of(where) > limit {
			where = s.env.Sign("…", "...") + where[len(where)-limit:]
		}
	}
	if s.production.Load() {
		where, style = "PRODUCTION "+where, repl.Bad
	}
	if n := len(s.jobs.running()); n > 0 {
		where += fmt.Sprintf(" [%d]", n)
	}
	return where + "> ", style
}
