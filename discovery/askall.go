package discovery

import (
	"context"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"

	"github.com/rpcctl/rpcctl/invoke"
)

// maxOutstanding is how many questions may wait for their answers.
const maxOutstanding = 32

// askAll puts many questions without waiting for each answer, and hands each
// answer or error on with the index of its question until got returns false.
// Questions that a stream's end left open are not reported: whoever needs their
// answers asks again. Servers answer in order; where the answer names its
// question, that counts.
func (a *asker) askAll(ctx context.Context, qs []question, got func(i int, answer *answer, err error) bool) {
	if len(qs) < 2 {
		return
	}
	// The first one settles the version of the service.
	answer, err := a.ask(ctx, qs[0])
	if !got(0, answer, err) || ignoreAnswered(err) != nil || a.stream == nil {
		return
	}
	s := a.stream
	room := make(chan struct{}, maxOutstanding)
	stop, sent := make(chan struct{}), make(chan struct{})
	go func() {
		defer fault.Exit()
		defer close(sent)
		sendAll(s.stream, qs[1:], room, stop)
	}()
	ended := a.receiveAll(ctx, s, qs, room, got)
	close(stop)
	if ended {
		s.cancel() // wakes a sender that the server does not read from
	}
	<-sent
	if ended {
		a.close()
	}
}

func sendAll(stream invoke.Stream, qs []question, room chan<- struct{}, stop <-chan struct{}) {
	for _, q := range qs {
		select {
		case room <- struct{}{}:
		case <-stop:
			return
		}
		if stream.Send(q.req.marshal()) != nil {
			return
		}
	}
}

// receiveAll reports the answers to all but the first question. It returns true
// when the stream is of no more use.
func (a *asker) receiveAll(ctx context.Context, s *reflectStream, qs []question, room <-chan struct{}, got func(int, *answer, error) bool) bool {
	waiting := make(map[string]int, len(qs)-1) // what each open question is about
	for i := 1; i < len(qs); i++ {
		waiting[key(qs[i].req)] = i
	}
	began := time.Now()
	for next := 1; next < len(qs); next++ {
		w := a.watch(ctx, s.cancel)
		answer, status := a.receive(s, nil)
		slow := w.stop()
		if status != nil || slow {
			return true
		}
		select {
		case <-room:
		default: // an answer to no question
		}
		i := next
		if of := key(answer.of); of != "" {
			j, open := waiting[of]
			if !open {
				return true
			}
			i = j
		}
		delete(waiting, key(qs[i].req))
		s.asked[key(qs[i].req)] = true
		answer, err := qs[i].read(answer)
		a.tell(qs[i], began, err)
		if !got(i, answer, err) {
			return true
		}
	}
	return false
}
