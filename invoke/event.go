package invoke

import "time"

// A Kind is a kind of event.
type Kind uint8

// The kinds of events, in the order in which they can happen first.
const (
	// Opened is the first event: the call is handed to the transport.
	Opened Kind = iota
	// RequestSent means that a request message has been handed to the transport.
	RequestSent
	// RequestsDone means that the request side has been closed.
	RequestsDone
	// HeadersReceived comes at most once, before the first response message. It is
	// missing when the server sent only trailers, or never answered.
	HeadersReceived
	// ResponseReceived means that a response message has arrived.
	ResponseReceived
	// Finished is always the last event and comes exactly once, even when the
	// connection could not be made. It is missing only after a sink's error.
	Finished
)

func (k Kind) String() string {
	return [...]string{
		"opened", "request-sent", "requests-done", "headers-received", "response-received",
		"finished",
	}[k]
}

// An Event is something that happened in a call. It and its message belong to
// the Invoker; a Sink that keeps them clones them.
type Event struct {
	Kind     Kind
	At       time.Time // from the Invoker's clock, never before the event before it
	Call     *Call     // the call that this happened in
	Wire     Wire      // Opened: how the call is carried
	Name     string    // Opened: the method as it was asked for, where Call has none
	Seq      int       // RequestSent, ResponseReceived: 0-based, per direction
	Metadata Metadata  // Opened: of the request; HeadersReceived; Finished: the trailers
	Message  *Message  // RequestSent, ResponseReceived
	Status   *Status   // Finished
	// HTTPStatus and HTTPVersion describe the response in HeadersReceived, such as 200 and
	// "2". They are zero when the transport does not know them.
	HTTPStatus  int
	HTTPVersion string
	// Abandoned is set in Finished when the call ended because a request was bad: the status
	// then does not come from the server, and Do returns this error.
	Abandoned error
}

// A Sink observes a call. Calls to it never overlap. An error cancels the call
// and is what Do returns.
type Sink interface{ Event(e *Event) error }

// A SinkFunc is a function that is a Sink.
type SinkFunc func(e *Event) error

// Event calls f.
func (f SinkFunc) Event(e *Event) error { return f(e) }

// Tee is a Sink that hands each event to each of its sinks in turn, and stops at
// the first error.
type Tee []Sink

// Event hands e on.
func (t Tee) Event(e *Event) error {
	for _, s := range t {
		if err := s.Event(e); err != nil {
			return err
		}
	}
	return nil
}
