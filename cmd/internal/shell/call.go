package shell

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/memory"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// shareOfMessages is the size of the greatest message that one more call in the background may
// receive, in bytes. The first may receive all that a job keeps, or what any call may when its
// output goes elsewhere; each further one receives less.
func shareOfMessages(s *shell, l *line) int {
	most, others := job.DefaultBytes, len(s.jobs.running())
	if l.job != nil {
		most = grpcwire.DefaultMaxRecv
		others-- // the statement itself is one of the others
	}
	return max(most/(1+others), memory.LeastMessage)
}

// drive runs a call as a job, and follows it unless it is to run in the background.
func (s *shell) drive(
	ctx context.Context, l *line, v *invoke.Invoker, p *invoke.Call, sinks invoke.Sink,
	again func(*env.Env) (*output.Output, error), do func(context.Context, invoke.Sink) error,
) error {
	if l.ran {
		return errors.New("one statement makes one call")
	}
	if p.Method.IsStreamingServer() || l.st.Background {
		l.pages.skip()
	}
	if asksFirst(s, l, p) {
		return problem.Exit(problem.BadUsage)
	}
	l.ran, s.called = true, true
	if converses(s, l, p) {
		return converse(ctx, s, l, v, p, again)
	}
	if l.job != nil {
		l.job.session = l.app.Session
		return do(ctx, invoke.Tee{sinks, l.keep})
	}
	j := job.Start(s.ctx, s.keeps(), do)
	w := &task{
		Job: j, name: string(p.Method.Name()), again: again, session: l.app.Session, redirected: l.redirect,
		assign: l.st.Assign, shown: l.pages.show,
	}
	if l.st.Assign != "" && !l.redirect {
		sinks = invoke.Tee{} // the answer becomes the value of the variable
	}
	if l.st.Background {
		s.jobs.add(w)
		s.say(fmt.Sprintf("[%%%d] %s", w.number, formatters.CleanLine(w.name)))
		live(s, w)
		s.notify(w)
		return nil
	}
	return s.follow(ctx, w, sinks)
}

// keeps bounds what a job keeps.
func (s *shell) keeps() job.Options { return job.Options{Store: &s.store} }

// asksFirst reports whether a call is made only when the same line is entered again: with set
// confirm=on, where the target is marked as production. A method that its schema marks as
// changing nothing is called at once.
func asksFirst(s *shell, l *line, p *invoke.Call) bool {
	if s.settings["confirm"] != "on" || !s.interactive || !s.production.Load() || changesNothing(p.Method) {
		return false
	}
	s.mu.Lock()
	again := s.confirmed == l.source
	s.confirmed = l.source
	if again {
		s.confirmed = ""
	}
	s.mu.Unlock()
	if again {
		return false
	}
	s.say(s.styled(repl.Bad, fmt.Sprintf("this is production: Enter again calls %s on %s, Ctrl-C drops it",
		p.Method.Name(), formatters.CleanLine(s.target()))))
	if s.editor != nil {
		s.editor.Put(repl.Line{Text: l.source, Cursor: len(l.source)})
	}
	return true
}

// changesNothing reports whether a method changes nothing, as its schema says.
func changesNothing(m protoreflect.MethodDescriptor) bool {
	o, ok := m.Options().(*descriptorpb.MethodOptions)
	return ok && o.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}

// follow shows a job until it ends, or is sent to the background.
func (s *shell) follow(ctx context.Context, w *task, sink invoke.Sink) error {
	stop := context.AfterFunc(ctx, w.Cancel) // the job then prints how it ended
	defer stop()
	followed, detach := context.WithCancel(context.Background())
	defer detach()
	if w.redirected || w.assign != "" {
		s.follows(w, nil)
	} else {
		s.follows(w, detach)
	}
	hide := s.spin(w)
	err := w.Follow(followed, sink)
	hide()
	if followed.Err() != nil && errors.Is(err, context.Canceled) && w.State().Status == nil {
		s.leaveBehind(w)
		return nil
	}
	s.jobs.remove(w)
	s.ended(w, err)
	return err
}

// ended keeps the result of a call, and prints how it ended.
func (s *shell) ended(w *task, err error) {
	number := keepResult(s, w)
	if a := w.assign; a != "" && err == nil && number > 0 {
		s.vars.Put(a, w.Job)
		if st := w.State(); st.Kept < st.Received {
			s.sayAside(fmt.Sprintf("$%s has the newest %d of %s: the shell keeps %s of a call", a, st.Kept,
				human.Count(st.Received, "message"), human.Bytes(job.DefaultBytes)))
		}
	}
	shown := w.shown
	w.shown, w.again = nil, nil // a result keeps its messages, and not the commands that made it
	shown()
	if err != nil || s.o.Quiet || !s.interactive || w.redirected {
		return
	}
	s.sayAside(strings.Join(append(summary(w), fmt.Sprintf("$%d", number)), s.dot()))
}

// Times of the row that says that a call is running.
const (
	spinAfter = 300 * time.Millisecond
	spinEvery = 120 * time.Millisecond
)

// spin shows that a call is running until something else is printed. The function that it
// returns removes that.
func (s *shell) spin(w *task) func() {
	if s.editor == nil || !w.beside && w.redirected {
		return func() {}
	}
	began := s.env.Now()
	stop, stopped := make(chan struct{}), make(chan struct{})
	frames := []rune(s.env.Sign("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", `|/-\`))
	s.editor.Go(func() {
		defer close(stopped)
		tick := time.NewTicker(spinEvery)
		defer tick.Stop()
		last, quiet := w.State().Received, began
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			now := s.env.Now()
			if got := w.State().Received; got != last && !w.beside {
				last, quiet = got, now
			}
			if now.Sub(quiet) < spinAfter {
				continue
			}
			s.editor.Status(fmt.Sprintf("%c %s %.1fs%sCtrl-C cancels%sCtrl-Z to background",
				frames[n%len(frames)], formatters.CleanLine(w.name), now.Sub(began).Seconds(), s.dot(), s.dot()))
		}
	})
	return func() {
		close(stop)
		<-stopped
		s.editor.Status("")
	}
}

// follows makes Ctrl-C cancel a job that is waited for and, unless leave is nil, Ctrl-Z send
// it to the background.
func (s *shell) follows(w *task, leave func()) {
	if !s.interactive {
		leave = nil
	}
	s.control.Follow(w.Cancel, leave)
}
