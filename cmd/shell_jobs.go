package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/spf13/cobra"
)

// A work is a call of the shell's.
type work struct {
	*job.Job
	number int // among the jobs; 0: it was never in the background
	name   string
	line   *line
	again  func() (*output, error)
	talk   *conversation // nil: nothing is typed into it
	quiet  func()        // ends what prints the answers of a job as they come; nil: nothing does
	call   *invoke.Call  // of a conversation
	// session is what the call is from, and its schema.
	session *session.Session
}

// notify tells when a job ends.
func (s *shell) notify(w *work) {
	s.background(func() {
		<-w.Done()
		s.results.add(w)
		s.callMu.Lock()
		watched := s.foreground != nil && s.foreground.background != nil
		s.callMu.Unlock()
		if watched && w.Following() || !s.jobs.notice(s.env.Now(), s.tellMore) {
			return
		}
		s.say(s.ending(w))
	})
}

// live prints the answers of a job as they come, when the settings say so.
func (s *shell) live(w *work) {
	if s.settings["job-output"] != "live" || !s.interactive {
		return
	}
	ctx, cancel := context.WithCancel(s.ctx)
	done := make(chan struct{})
	w.quiet = func() { cancel(); <-done }
	s.background(func() {
		defer close(done)
		_ = w.Follow(ctx, s.received(w, fmt.Sprintf("[%%%d] ", w.number))) // how it ended is told by notify
	})
}

// ending tells how a job ended.
func (s *shell) ending(w *work) string {
	text := fmt.Sprintf("[%%%d] %s: %s", w.number, clean(w.name), strings.Join(summary(w.State()), ", "))
	if err := w.Err(); err != nil && w.State().Status == nil {
		text += ": " + clean(err.Error())
	}
	return text
}

func (s *shell) tellMore(n int) { s.say(fmt.Sprintf("%s more ended", count(n, "job"))) }

// jobCommands are the commands about jobs.
func (s *shell) jobCommands(l *line) []*cobra.Command {
	wait := s.builtin("wait [%JOB...]", "Wait for jobs", 0, -1, nil)
	var timeout seconds
	wait.Flags().Var(&timeout, "timeout", "wait no longer than this")
	wait.RunE = func(c *cobra.Command, args []string) error { return s.wait(c.Context(), args, durationOf(timeout)) }
	cancel := s.builtin("cancel [%JOB...]", "Cancel jobs", 0, -1, nil)
	all := cancel.Flags().Bool("all", false, "all of them; -a is short for it")
	cancel.RunE = func(_ *cobra.Command, args []string) error { return s.cancel(args, *all) }
	return []*cobra.Command{
		s.builtin("jobs", "List the calls in the background", 0, 0, func(context.Context, []string) error {
			for _, w := range s.jobs.all() {
				fmt.Fprintf(l.env.Stdout, "[%%%d] %s: %s\n", w.number, clean(w.name), strings.Join(summary(w.State()), ", "))
			}
			return nil
		}),
		s.builtin("fg [%JOB]", "Bring a call back from the background", 0, 1, func(ctx context.Context, args []string) error {
			return s.bringBack(ctx, l, strings.Join(args, ""))
		}),
		s.builtin("log [%JOB]", "Show what a job has received so far", 0, 1, func(_ context.Context, args []string) error {
			w, err := s.jobs.find(strings.Join(args, ""))
			if err != nil {
				return err
			}
			return s.replay(l, w)
		}),
		wait, cancel,
	}
}

// bringBack shows what a job has received and nobody saw, and follows it.
func (s *shell) bringBack(ctx context.Context, l *line, name string) error {
	w, err := s.jobs.find(name)
	if err != nil {
		return err
	}
	w.line.app.env = l.env
	if w.quiet != nil {
		w.quiet()
		w.quiet = nil
	}
	if n := w.State().Dropped; n > 0 {
		s.sayAside(fmt.Sprintf("%s made room for newer ones", count(n, "message")))
	}
	if w.talk != nil {
		return s.talk(ctx, w)
	}
	out, err := w.again()
	if err != nil {
		return err
	}
	return out.close(s.follow(ctx, w, out))
}

// replay prints all that a job still has.
func (s *shell) replay(l *line, w *work) error {
	w.line.app.env = l.env
	out, err := w.again()
	if err != nil {
		return err
	}
	return out.close(w.Replay(invoke.SinkFunc(func(e *invoke.Event) error {
		if e.Kind == invoke.Finished && e.Status.Code != 0 {
			fmt.Fprintf(l.env.Stderr, "%s\n", s.ending(w))
		}
		return out.Event(e)
	})))
}

// wait waits for jobs to end, and returns what the first of them failed with.
func (s *shell) wait(ctx context.Context, names []string, limit time.Duration) error {
	works := s.jobs.all()
	if len(names) > 0 {
		works = nil
	}
	for _, name := range names {
		w, err := s.jobs.find(name)
		if err != nil {
			return err
		}
		works = append(works, w)
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
	if err := s.beside.wait(ctx); errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s in the background did not end within %s", count(s.beside.count(), "statement"), limit)
	} else if err != nil {
		return err
	}
	return cmp.Or(s.jobs.takeLost(), first)
}

// cancel ends jobs.
func (s *shell) cancel(names []string, all bool) error {
	works := s.jobs.all()
	if !all {
		if len(names) == 0 {
			names = []string{""}
		}
		works = nil
		for _, name := range names {
			w, err := s.jobs.find(name)
			if err != nil {
				return err
			}
			works = append(works, w)
		}
	}
	for _, w := range works {
		select {
		case <-w.Done():
			s.jobs.remove(w) // it has ended before: it is only forgotten
		default:
			w.Cancel()
			<-w.Done()
		}
	}
	return nil
}

// inBackground runs a whole statement beside the others: its output goes to a file or a
// program.
func (s *shell) inBackground(l *line) {
	l.env.Stderr = noticeWriter{s}
	done := s.beside.add()
	s.background(func() {
		defer done()
		if code := s.perform(s.ctx, l); code != exitOK {
			s.jobs.lose(left(code))
			return
		}
		s.say(fmt.Sprintf("done: %s", clean(l.source[l.st.Start:l.st.End])))
	})
}

// noticeWriter prints what is written above the prompt.
type noticeWriter struct{ s *shell }

func (n noticeWriter) Write(p []byte) (int, error) {
	n.s.say(string(p))
	return len(p), nil
}
