package discovery

import (
	"context"
	"slices"
	"time"

	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/invoke"
)

// maxOutstanding is how many questions may wait for their answers.
const maxOutstanding = 32

// askAll asks many questions without waiting for each answer. It calls got with each answer or
// error and the index of its question, until got returns false. A question is left out when
// needless reports true by the time that it would be asked: one answer may serve many.
// Questions that are open when a stream ends are not reported: whoever needs their answers
// asks again. Servers answer in order; an answer that names its question is matched by that.
func (a *asker) askAll(
	ctx context.Context, qs []question, needless func(i int) bool, got func(i int, answer *answer, err error) bool,
) {
	if len(qs) < 2 {
		return
	}
	// The first question settles the version of the service.
	answer, err := a.ask(ctx, qs[0])
	if !got(0, answer, err) || ignoreAnswered(err) != nil || a.stream == nil {
		return
	}
	all := &manyAsked{asker: a, stream: a.stream, qs: qs, next: 1, needless: needless, got: got, began: time.Now()}
	all.queue, all.waiting = make(chan question, maxOutstanding), map[string]int{}
	sent := make(chan struct{})
	go func() {
		defer fault.Exit()
		defer close(sent)
		sendAll(all.stream.stream, all.queue)
	}()
	ended := all.receive(ctx)
	close(all.queue)
	if ended {
		all.stream.cancel() // wakes a sender whose stream the server does not read
	}
	<-sent
	if ended {
		a.close()
	}
}

func sendAll(stream invoke.Stream, queue <-chan question) {
	failed := false
	for q := range queue {
		failed = failed || stream.Send(q.req.marshal()) != nil
	}
}

// A manyAsked is many questions that are being asked.
type manyAsked struct {
	asker    *asker
	stream   *reflectStream
	qs       []question
	next     int // the first that was neither asked nor left out
	needless func(i int) bool
	got      func(i int, answer *answer, err error) bool
	queue    chan question  // to be sent; there is room for all that may be open
	open     []int          // what waits for an answer, in the order asked
	waiting  map[string]int // the same, by what each is about
	began    time.Time
}

// fill asks what there is room for.
func (m *manyAsked) fill() {
	for ; m.next < len(m.qs) && len(m.open) < maxOutstanding; m.next++ {
		if m.needless(m.next) {
			continue
		}
		m.open = append(m.open, m.next)
		m.waiting[key(m.qs[m.next].req)] = m.next
		m.queue <- m.qs[m.next]
	}
}

// receive reports the answers to all but the first question. It returns true when the stream
// is of no more use.
func (m *manyAsked) receive(ctx context.Context) (ended bool) {
	a := m.asker
	for {
		if m.fill(); len(m.open) == 0 {
			return false
		}
		w := a.watch(ctx, m.stream.cancel)
		answer, status := a.receive(m.stream, nil)
		slow := w.stop()
		if status != nil || slow {
			return true
		}
		i := m.open[0]
		if of := key(answer.of); of != "" {
			j, open := m.waiting[of]
			if !open {
				return true
			}
			i = j
		}
		m.open = slices.DeleteFunc(m.open, func(j int) bool { return j == i })
		delete(m.waiting, key(m.qs[i].req))
		m.stream.asked[key(m.qs[i].req)] = true
		answer, err := m.qs[i].read(answer)
		a.tell(m.qs[i], m.began, err)
		if !m.got(i, answer, err) {
			return true
		}
	}
}
