package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke"
)

// notify prints a notice when a job ends.
func (s *shell) notify(w *task) {
	s.background(func() {
		<-w.Done()
		keepResult(s, w)
		watched := s.control.Following()
		if watched && w.Following() || !s.jobs.notice(s.env.Now(), s.tellMore) {
			return
		}
		s.say(s.ending(w))
	})
}

// live prints the answers of a job as they come, when the settings say so.
func live(s *shell, w *task) {
	if s.settings["job-output"] != "live" || !s.interactive {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	w.quiet = func() { cancel(); <-done }
	s.background(func() {
		defer close(done)
		_ = w.Follow(ctx, received(s, fmt.Sprintf("[%%%d] ", w.number))) // notify prints how it ended
	})
}

// ending says how a job ended.
func (s *shell) ending(w *task) string {
	text := fmt.Sprintf("[%%%d] %s: %s", w.number, formatters.CleanLine(w.name), strings.Join(summary(w), ", "))
	if err := w.Err(); err != nil && w.State().Status == nil && !w.beside {
		text += ": " + formatters.CleanLine(err.Error())
	}
	return text
}

func (s *shell) tellMore(n int) { s.say(fmt.Sprintf("%s more ended", human.Count(n, "job"))) }

// jobCommands are the commands about jobs.
func jobCommands(s *shell, l *line) []*cobra.Command {
	wait := builtin("wait [%JOB...]", "Wait for jobs", 0, -1, nil)
	var timeout flags.Seconds
	wait.Flags().Var(&timeout, "timeout", "wait no longer than this")
	wait.RunE = func(c *cobra.Command, args []string) error {
		return waitFor(c.Context(), s, l, args, timeout.Duration())
	}
	cancel := builtin("cancel [%JOB...]", "Cancel jobs", 0, -1, nil)
	all := cancel.Flags().Bool("all", false, "all of them; -a is short for it")
	cancel.RunE = func(c *cobra.Command, args []string) error { return cancelJobs(c.Context(), s, l, args, *all) }
	return []*cobra.Command{
		builtin("jobs", "List the calls in the background", 0, 0, func(context.Context, []string) error {
			for _, w := range s.jobs.all() {
				fmt.Fprintf(l.env.Stdout, "[%%%d] %s: %s\n", w.number, formatters.CleanLine(w.name),
					strings.Join(summary(w), ", "))
			}
			return nil
		}),
		builtin("fg [%JOB]", "Bring a call back from the background", 0, 1,
			func(ctx context.Context, args []string) error {
				return bringBack(ctx, s, l, strings.Join(args, ""))
			}),
		builtin("log [%JOB]", "Show what a job has received so far", 0, 1,
			func(_ context.Context, args []string) error {
				w, err := s.jobs.find(strings.Join(args, ""))
				if err != nil {
					return err
				}
				return replay(s, l, w)
			}),
		wait, cancel,
	}
}

// bringBack prints what a job has received and nobody has seen, and follows the job.
func bringBack(ctx context.Context, s *shell, l *line, name string) error {
	w, err := s.jobs.find(name)
	if err != nil {
		return err
	}
	if w.beside {
		return attend(ctx, s, w)
	}
	if w.quiet != nil {
		w.quiet()
		w.quiet = nil
	}
	if n := w.State().Dropped; n > 0 {
		s.sayAside(fmt.Sprintf("%s made room for newer ones", human.Count(n, "message")))
	}
	if w.talk != nil {
		return talk(ctx, s, w)
	}
	out, err := w.again(l.env)
	if err != nil {
		return err
	}
	return out.Close(s.follow(ctx, w, out))
}

// attend waits for a statement that runs beside the others: Ctrl-C cancels it, and Ctrl-Z
// sends it back to the background.
func attend(ctx context.Context, s *shell, w *task) error {
	attended, leave := context.WithCancel(context.Background())
	defer leave()
	stop := context.AfterFunc(ctx, w.Cancel)
	defer stop()
	s.follows(w, leave)
	hide := s.spin(w)
	_ = w.Wait(attended)
	if hide(); !w.over() {
		s.say(fmt.Sprintf("[%%%d] %s goes on in the background", w.number, formatters.CleanLine(w.name)))
		return nil
	}
	s.jobs.remove(w)
	s.ended(w, w.Err())
	return w.Err()
}

// replay prints all that a job still has.
func replay(s *shell, l *line, w *task) error {
	if w.beside {
		return problem.Usage(fmt.Errorf("[%%%d] %s: what it receives is where its output goes", w.number,
			formatters.CleanLine(w.name)), "")
	}
	out, err := w.again(l.env)
	if err != nil {
		return err
	}
	return out.Close(w.Replay(invoke.SinkFunc(func(e *invoke.Event) error {
		if e.Kind == invoke.Finished && e.Status.Code != 0 {
			fmt.Fprintf(l.env.Stderr, "%s\n", s.ending(w))
		}
		return out.Event(e)
	})))
}

// waitFor waits for jobs to end, and returns what the first of them failed with.
func waitFor(ctx context.Context, s *shell, l *line, names []string, limit time.Duration) error {
	works, err := namedJobs(s, l, names, len(names) == 0)
	if err != nil {
		return err
	}
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	var first error
	for _, w := range works {
		err := w.Wait(ctx)
		if ctx.Err() != nil && err == ctx.Err() {
			if errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("[%%%d] %s has not ended within %s", w.number, w.name, limit)
			}
			return err
		}
		if first == nil {
			first = err
		}
	}
	if len(names) > 0 {
		return first
	}
	return cmp.Or(s.jobs.takeLost(), first)
}

// cancelJobs ends jobs, and waits for that until ctx is done.
func cancelJobs(ctx context.Context, s *shell, l *line, names []string, all bool) error {
	if len(names) == 0 {
		names = []string{""}
	}
	works, err := namedJobs(s, l, names, all)
	if err != nil {
		return err
	}
	for _, w := range works {
		if w.over() {
			s.jobs.remove(w) // it is only forgotten
			continue
		}
		w.Cancel()
		_ = w.Wait(ctx)
	}
	return ctx.Err()
}

// namedJobs returns the jobs that words name, or all of them, but not the statement that asks,
// which would wait for itself.
func namedJobs(s *shell, l *line, names []string, all bool) ([]*task, error) {
	works := s.jobs.all()
	if !all {
		works = nil
		for _, name := range names {
			w, err := s.jobs.find(name)
			if err != nil {
				return nil, err
			}
			works = append(works, w)
		}
	}
	return slices.DeleteFunc(works, func(w *task) bool { return w == l.job }), nil
}

// keepResult keeps what a call has answered, and returns the number of the result, 0 for a statement
// that has made none.
func keepResult(s *shell, w *task) int {
	if w.State().Call == nil {
		return 0
	}
	return s.results.add(w)
}
