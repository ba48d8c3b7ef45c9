package call

import (
	"errors"

	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
)

// A tolerantSink wraps a sink that prints. It prints a response that does not fit its type
// where the formatter can, lets the call go on to its status, and returns what was wrong as
// the error of the call.
type tolerantSink struct {
	invoke.Sink
	formatter formatters.Undecoded
	wrong     error // with the first such response
}

// Tolerant returns a tolerantSink where the formatter behind the sink allows one, and else the sink.
func Tolerant(s invoke.Sink, f formatters.Formatter) invoke.Sink {
	if u, ok := f.(formatters.Undecoded); ok {
		return &tolerantSink{Sink: s, formatter: u}
	}
	return s
}

// Event implements invoke.Sink.
func (s *tolerantSink) Event(e *invoke.Event) error {
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
