package fanout

import (
	"time"

	"github.com/rpcctl/rpcctl/invoke"
)

// A slot is a request that is being handled, and its events from before its turn.
type slot struct {
	r       *run
	sink    Sink
	index   int
	request Request
	once    one
	call    invoke.Call

	// What follows is guarded by run.mu, except for what only the goroutine of the call uses.
	begun   bool // the sink knows of the call
	done    bool
	kept    []keptEvent
	bytes   []byte // of the messages in kept
	sinkErr error  // an error of the sink that concerns this call alone
	result  Result
	opened  time.Time
}

// A keptEvent is an event that waits for its turn. Its message is in the slot's bytes.
type keptEvent struct {
	event      invoke.Event
	message    invoke.Message
	start, end int
}

// maxSlotBytes is the size of the greatest buffer that a slot reuses, in bytes.
const maxSlotBytes = 64 << 10

// keptSize is what a kept event counts for, in addition to its message, in bytes.
const keptSize = 256

// Event takes an event of the call.
func (s *slot) Event(e *invoke.Event) error {
	switch e.Kind {
	case invoke.Opened:
		s.opened = e.At
	case invoke.Finished:
		s.result.Status, s.result.Took = e.Status, e.At.Sub(s.opened)
	case invoke.ResponseReceived:
		s.r.Counts.Messages.Add(1)
	}
	if !s.r.Everything && e.Kind != invoke.ResponseReceived {
		return nil
	}
	r := s.r
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.parked > r.budget && !r.turn(s) && !r.stopping() {
		r.moved.Wait() // without a copy of it
	}
	if !r.turn(s) {
		s.keep(e)
		return r.err
	}
	s.release()
	s.handOn(e)
	return r.err
}

// keep copies an event for later.
func (s *slot) keep(e *invoke.Event) {
	k := keptEvent{event: *e}
	if e.Message != nil {
		k.message = invoke.Message{Desc: e.Message.Desc, Types: e.Message.Types}
		k.start = len(s.bytes)
		s.bytes = append(s.bytes, e.Message.Wire...)
		k.end = len(s.bytes)
	}
	if e.Metadata != nil {
		k.event.Metadata = e.Metadata.Clone()
	}
	s.kept = append(s.kept, k)
	s.r.parked += k.end - k.start + keptSize
}

// release hands on what was kept.
func (s *slot) release() {
	for i := range s.kept {
		k := &s.kept[i]
		if k.event.Message != nil {
			k.message.Wire = s.bytes[k.start:k.end]
			k.event.Message = &k.message
		}
		s.handOn(&k.event)
	}
	s.drop()
}

// drop forgets what was kept.
func (s *slot) drop() {
	s.r.parked -= len(s.bytes) + keptSize*len(s.kept)
	clear(s.kept)
	s.kept = s.kept[:0]
	if s.bytes = s.bytes[:0]; cap(s.bytes) > maxSlotBytes {
		s.bytes = nil
	}
}

// handOn gives an event to the sink.
func (s *slot) handOn(e *invoke.Event) {
	r := s.r
	if r.err != nil || s.sinkErr != nil {
		return
	}
	if !s.begun {
		s.begun = true
		s.sink.Begin(s.index, &s.request)
	}
	if err := s.sink.Event(e); err != nil {
		if r.AboutOneCall != nil && r.AboutOneCall(err) {
			s.sinkErr = err
			return
		}
		r.fail(err)
	}
}

// settle ends a request whose turn has come: it hands on what was kept, and calls Done.
func (s *slot) settle() {
	s.release()
	if s.result.Err == nil && s.sinkErr != nil {
		s.result.Err = s.sinkErr
		s.r.failed(s)
	}
	r := s.r
	switch {
	case s.result.Stopped:
		r.sum.Stopped++
	case s.result.Err != nil:
		r.sum.Failed++
	default:
		r.sum.Answered++
		r.Counts.Answered.Add(1)
	}
	if err := r.Done(&s.result); err != nil {
		r.fail(err)
	}
	if cap(s.request.Text) > maxSlotBytes {
		s.request.Text = nil
	}
	if cap(s.request.Wire) > maxSlotBytes {
		s.request.Wire = nil
	}
	s.begun, s.done, s.sinkErr = false, false, nil
	s.result = Result{}
}
