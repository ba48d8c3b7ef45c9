package cmd

import (
	"errors"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// goesOn is around a sink that prints. Where its formatter can show an answer that is no
// message of its type, that is done and the call goes on to its status; what was wrong is
// the error of the whole.
type goesOn struct {
	invoke.Sink
	formatter formatters.Undecoded
	wrong     error // with the first such answer
}

// goingOn wraps a sink for the sake of the formatter behind it.
func goingOn(s invoke.Sink, f formatters.Formatter) invoke.Sink {
	if u, ok := f.(formatters.Undecoded); ok {
		return &goesOn{Sink: s, formatter: u}
	}
	return s
}

// Event implements invoke.Sink.
func (s *goesOn) Event(e *invoke.Event) error {
	switch e.Kind {
	case invoke.Opened:
		s.wrong = nil
	case invoke.Finished:
		if err := s.Sink.Event(e); err != nil || s.wrong == nil {
			return err
		}
		if e.Abandoned != nil {
			return errors.Join(e.Abandoned, s.wrong)
		}
		return errors.Join(e.Status.Err(), s.wrong)
	}
	err := s.Sink.Event(e)
	var wire *transcode.WireError
	if e.Kind != invoke.ResponseReceived || !errors.As(err, &wire) {
		return err
	}
	if s.wrong == nil {
		s.wrong = err
	}
	return s.formatter.Undecoded(e, err)
}
