package cmd

import (
	"github.com/spf13/pflag"
)

// enterContext tells the shell where the context in force leads, and whether care is
// due there, before its first line. What is wrong with a context is said with the
// schema, and by each line.
func (a *app) enterContext(s *shell, f *pflag.FlagSet) {
	talking := a.env
	a.env = a.env.Quiet()
	defer func() { a.env = talking }()
	if a.loadContext(f) != nil || a.context.context == nil {
		return
	}
	if t, err := a.target(); err == nil && t != nil {
		where := t.String()
		s.reached.Store(&where)
		s.production.Store(a.context.production())
	}
}

// contextChanged drops the credentials that lines without a target of their own were
// sent with: the target that they go to now is another context's.
func (s *shell) contextChanged(l *line) {
	_, addr := s.flag("addr")
	_, unix := s.flag("unix")
	if !addr && !unix {
		s.dropCredentials(l, "")
	}
}
