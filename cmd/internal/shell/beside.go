package shell

import (
	"context"
	"fmt"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/width"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
)

// inBackground runs a whole statement beside the others, as a job: its output goes to a file or a
// program.
func inBackground(s *shell, l *line) {
	l.env.Stderr = noticeWriter{s}
	name := strings.TrimSpace(strings.TrimSuffix(s.record.redact(l.source[l.st.Start:l.st.End]), "&"))
	w := &task{
		name: width.Truncate(name, besideName, "..."), beside: true, redirected: true, assign: l.st.Assign,
		shown: l.pages.show,
	}
	l.job = w
	known := make(chan struct{})
	w.Job = job.Start(s.ctx, s.keeps(), func(ctx context.Context, sink invoke.Sink) error {
		<-known
		l.keep = sink
		return problem.Exit(s.perform(ctx, l))
	})
	s.jobs.add(w)
	close(known)
	s.say(fmt.Sprintf("[%%%d] %s", w.number, formatters.CleanLine(w.name)))
	s.notify(w)
}

// besideName is the length of a statement's name among the jobs, in columns.
const besideName = 60

// noticeWriter prints notices above the prompt.
type noticeWriter struct{ s *shell }

func (n noticeWriter) Write(p []byte) (int, error) {
	n.s.say(string(p))
	return len(p), nil
}
