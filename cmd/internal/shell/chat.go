package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// converses reports whether the requests of a call are to be typed while it runs: the client
// streams, no message was given, and there is a prompt.
func converses(s *shell, l *line, p *invoke.Call) bool {
	return s.editor != nil && s.interactive && p.Method.IsStreamingClient() && l.messages == 0 && !l.redirect &&
		!l.st.Background &&
		!slices.ContainsFunc(l.args, func(a string) bool { return a == "-d" || strings.HasPrefix(a, "--data") })
}

// converse makes a call whose requests the user types while it runs.
func converse(
	ctx context.Context, s *shell, l *line, v *invoke.Invoker, p *invoke.Call,
	again func(*env.Env) (*output.Output, error),
) error {
	c := &conversation{
		queue: make(chan []byte, queueMax), ended: make(chan struct{}),
		method: invoke.MethodName(p.Method),
	}
	p.Requests = c
	j := job.Start(s.ctx, s.keeps(), func(ctx context.Context, sink invoke.Sink) error { return v.Do(ctx, p, sink) })
	return talk(ctx, s, &task{
		Job: j, name: string(p.Method.Name()), again: again, assign: l.st.Assign,
		shown: l.pages.show, talk: c, call: p, session: l.app.Session,
	})
}

// talk reads messages until the call has ended or goes to the background. Answers appear above
// the prompt.
func talk(ctx context.Context, s *shell, w *task) error {
	stop := context.AfterFunc(ctx, w.Cancel)
	defer stop()
	followed, detach := context.WithCancel(context.Background())
	defer detach()
	var over atomic.Bool
	result := make(chan error, 1)
	s.editor.Go(func() {
		err := w.Follow(followed, received(s, ""))
		over.Store(true)
		result <- err
		s.editor.Abort()
	})
	s.talking.Store(w)
	defer s.talking.Store(nil)
	w.talk.leave.Store(false)
	for !over.Load() && s.control.Dying() == 0 {
		text, err := s.editor.Read()
		switch {
		case w.talk.leave.Load() && !over.Load():
			detach()
			<-result
			s.leaveBehind(w)
			return nil
		case err == io.EOF:
			w.talk.close()
		case errors.Is(err, repl.ErrHangUp):
			s.control.Die(interrupts.HangUp)
		case errors.Is(err, repl.ErrAborted):
		case err != nil:
			return err
		default:
			folded := s.editor.Fold(text)
			s.editor.Forget()
			sayInto(ctx, s, w, text)
			s.record.history.Keep(s.record.redact(asTyped(folded)))
		}
	}
	s.talking.Store(nil)
	if half := s.editor.Take(); half != "" {
		s.unsent = half
	}
	err := <-result
	s.jobs.remove(w)
	s.ended(w, err)
	return err
}

// leaveBehind sends a call to the background.
func (s *shell) leaveBehind(w *task) {
	if w.number == 0 {
		s.jobs.add(w)
	}
	s.say(fmt.Sprintf("[%%%d] %s goes on in the background; fg %%%d brings it back", w.number,
		formatters.CleanLine(w.name), w.number))
	live(s, w)
	s.notify(w)
}

// received prints answers above the prompt, as one line each.
func received(s *shell, lead string) invoke.Sink {
	return invoke.SinkFunc(func(e *invoke.Event) error {
		if e.Kind != invoke.ResponseReceived {
			return nil
		}
		text, err := transcode.NewEncoder(e.Message.Desc, transcode.EncodeOptions{Types: e.Message.Types}).Append(nil,
			e.Message.Wire)
		if err != nil {
			return err
		}
		s.say(lead + s.styled(repl.Accent, s.env.Sign("◀ ", "< ")) + formatters.CleanLine(string(text)))
		return nil
	})
}

// cancelTalk is Ctrl-C on an empty line.
func (s *shell) cancelTalk() string {
	if w := s.talking.Load(); w != nil {
		w.Cancel()
		return ""
	}
	return "Ctrl-D leaves"
}

// leaveTalk is Ctrl-Z at the prompt.
func (s *shell) leaveTalk() bool {
	w := s.talking.Load()
	if w == nil {
		return false
	}
	w.talk.leave.Store(true)
	s.editor.Abort()
	return true
}

// sayInto sends what was typed into a conversation.
func sayInto(ctx context.Context, s *shell, w *task, text string) {
	statements, err := repl.Parse(repl.Fill(text))
	l := &line{s: s, source: text, env: s.env}
	for _, st := range statements {
		l.st = st
		if err := sayOne(ctx, s, w, l); err != nil {
			s.explain(l, err)
			return
		}
	}
	if err != nil {
		s.explain(l, err)
	}
}

func sayOne(ctx context.Context, s *shell, w *task, l *line) error {
	words := l.st.Words
	if first := words[0].Text; strings.HasPrefix(first, "/") {
		return talkCommand(ctx, s, w, l, first[1:])
	}
	if w.talk.closed() {
		return problem.Usage(errors.New("the call is closed for sending"),
			"the prompt ends when the server does; Ctrl-C cancels")
	}
	if err := l.expand(words); err != nil {
		return err
	}
	l.messages = len(words)
	// The places of faults count the words of call METHOD, too.
	l.args = append([]string{"call", w.talk.method}, l.args...)
	l.words = append([]int{-1, -1}, l.words...)
	messages, err := typedMessages(ctx, s, w, l.args[2:])
	if err != nil {
		return err
	}
	watchSending(s, w)
	for _, m := range messages {
		select {
		case w.talk.queue <- m:
		case <-w.Done():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// typedMessages returns the messages that words describe.
func typedMessages(ctx context.Context, s *shell, w *task, words []string) ([][]byte, error) {
	var parts []input.Part
	for i, text := range words {
		parts = append(parts, input.Part{Text: text, Origin: fmt.Sprintf("part %d", i+1)})
	}
	source, err := input.New(parts, input.Options{
		ReadFile: boundfile.Reader(ctx), Message: w.call.Method.Input(), Types: w.call.Types, Streams: true,
		Now:     s.env.Now,
		Secrets: redaction.OfInput(w.call.Method.Input()),
	})
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for {
		m, err := source.Next(ctx)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, slices.Clone(m))
	}
}

const talkHelp = `A line is a message: field=value words, JSON, or @FILE with many.
  /send WORDS         the same, for what begins with /
  /repeat N WORDS     N times
  /close, Ctrl-D      nothing more is sent
  /cancel, Ctrl-C     end the call (on an empty line)
  /stats              how many messages went each way
  Ctrl-Z              to the background; fg comes back
`

// talkCommand runs a command inside of a conversation.
func talkCommand(ctx context.Context, s *shell, w *task, l *line, name string) error {
	inner := *l
	inner.st.Words = l.st.Words[1:]
	switch name {
	case "send":
		if len(inner.st.Words) == 0 {
			return problem.Usage(errors.New("/send: what?"), "")
		}
		return sayOne(ctx, s, w, &inner)
	case "repeat":
		if len(inner.st.Words) < 2 {
			return problem.Usage(errors.New("the form is: /repeat N WORDS"), "")
		}
		n, err := strconv.Atoi(inner.st.Words[0].Text)
		if err != nil || n < 1 {
			return problem.Usage(fmt.Errorf("%q is not how often", inner.st.Words[0].Text), "")
		}
		inner.st.Words = inner.st.Words[1:]
		for range n {
			if err := sayOne(ctx, s, w, &inner); err != nil {
				return err
			}
		}
	case "close":
		w.talk.close()
	case "cancel":
		w.Cancel()
	case "stats":
		st := w.State()
		s.say(fmt.Sprintf("%d sent, %d received, %s", st.Sent, st.Received, human.Bytes(st.Bytes)))
	case "help":
		s.say(talkHelp)
	default:
		return problem.Usage(fmt.Errorf("/%s: no such command", name), "/help lists them")
	}
	return nil
}

// watchSending prints once that messages wait to be sent, when they have waited for long.
func watchSending(s *shell, w *task) {
	c := w.talk
	if !c.looks.CompareAndSwap(false, true) {
		return
	}
	s.background(func() {
		defer c.looks.Store(false)
		defer c.stuck.Store(false)
		tick := time.NewTicker(stuckTime)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-w.Done():
				return
			}
			waiting := len(c.queue)
			if waiting == 0 {
				return
			}
			if !c.stuck.Swap(true) {
				s.sayAside(human.Count(waiting, "message") + " " + s.env.Sign("sending… ", "sending... ") + notReading)
			}
		}
	})
}

// stuckTime is how long a message may wait before that is printed.
const stuckTime = time.Second
