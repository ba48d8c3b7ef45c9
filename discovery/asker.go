package discovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
	"github.com/rpcctl/rpcctl/invoke"
)

// An asker puts questions to the reflection service of a server, one stream for
// all of them. It is not safe for concurrent use.
type asker struct {
	transport invoke.Transport
	metadata  invoke.Metadata
	timeout   time.Duration
	opening   time.Duration    // to open a stream, added to timeout
	asked     func(Asked)      // is called for each question; may be nil
	duplex    invoke.Transport // nil: there is none, or it is in use
	narrow    *invoke.Status   // why duplex is in use; nil: it is not
	versions  []string         // still to try, the first one next
	refused   []string         // those that are not there
	refusal   *invoke.Status
	settled   string // the version that has answered
	stream    *reflectStream
	separate  bool // each question has a stream of its own: see halfCloseSoon
}

func newAsker(t invoke.Transport, o ReflectOptions) *asker {
	a := &asker{
		transport: t, metadata: o.Metadata, timeout: o.Timeout, opening: o.Open, duplex: o.Duplex,
		asked: o.Told, versions: []string{ReflectionV1, ReflectionV1Alpha},
	}
	if o.Version != "" {
		a.versions = []string{o.Version}
	}
	if a.timeout <= 0 {
		a.timeout = ReflectTimeout
	}
	return a
}

// A reflectStream is one open call of the reflection service. It lives longer
// than the question that opened it, so it has a context of its own.
type reflectStream struct {
	stream   invoke.Stream
	cancel   context.CancelFunc
	answered bool // it has brought an answer
	closed   bool // half-closed: it takes no more questions
	asked    map[string]bool
	// asked has the keys of the questions that were answered. A second answer to one of them
	// is not taken for the answer to the next question.
}

// ask returns the answer to a question. The error wraps ErrNotFound when the
// server has no such name; it is a *NoReflectionError when there is nobody to
// ask, and a *ReflectionError for every other end.
func (a *asker) ask(ctx context.Context, q question) (*answer, error) {
	began := time.Now()
	answer, err := a.put(ctx, q)
	a.tell(q, began, err)
	return answer, err
}

// tell reports a question that was asked at a time.
func (a *asker) tell(q question, began time.Time, err error) {
	if a.asked != nil {
		a.asked(Asked{Question: q.text, Version: a.settled, Took: time.Since(began), Err: err})
	}
}

// put asks the server a question.
func (a *asker) put(ctx context.Context, q question) (*answer, error) {
	for reopened := false; ; {
		s, err := a.open(ctx, q)
		if err != nil {
			return nil, err
		}
		seasoned := s.answered
		answer, status := a.exchange(ctx, s, q)
		if status != nil || s.closed {
			a.close()
		}
		if status == nil {
			return q.read(answer)
		}
		switch {
		case ctx.Err() != nil:
			return nil, contextError(ctx, q.text)
		case !seasoned && a.settled == "" && status.Code == codes.Unimplemented:
			if err := a.nextVersion(status); err != nil {
				return nil, err
			}
		case !seasoned && a.duplex != nil && errors.Is(status.Cause, invoke.ErrHTTPVersion):
			a.transport, a.duplex, a.narrow, a.separate = a.duplex, nil, status, false
		case q.named && status.Code == codes.NotFound && status.Origin == invoke.OriginServer:
			// Some servers end the stream instead of sending an error response.
			return nil, q.missing()
		case seasoned && !reopened && status.Cause != timelimit.ErrSlow:
			// Others end it after an answer that was an error.
			reopened = true
		default:
			return nil, q.failed(a.told(status))
		}
	}
}

// nextVersion goes on to the next version of the service. When there is none
// left, the server has no reflection, which is remembered.
func (a *asker) nextVersion(s *invoke.Status) error {
	if a.refusal == nil {
		a.refusal = s
	}
	a.refused = append(a.refused, a.versions[0])
	a.versions = a.versions[1:]
	if len(a.versions) == 0 {
		return a.noReflection()
	}
	return nil
}

// told returns the status to report when a question failed. If the duplex transport has no
// connection, that is the status of the first transport.
func (a *asker) told(s *invoke.Status) *invoke.Status {
	if a.narrow != nil && s.Origin == invoke.OriginTransport {
		return a.narrow
	}
	return s
}

func (a *asker) noReflection() error {
	return &NoReflectionError{Versions: a.refused, Status: a.refusal}
}

// maxAnswer is the greatest answer taken, in bytes, whatever the limit for calls.
const maxAnswer = 64 << 20

// open returns the stream, opening it if need be.
func (a *asker) open(ctx context.Context, q question) (*reflectStream, error) {
	if a.stream != nil {
		return a.stream, nil
	}
	for {
		if len(a.versions) == 0 {
			return nil, a.noReflection()
		}
		m := invoke.Method{
			Path:          "/grpc.reflection." + a.versions[0] + ".ServerReflection/ServerReflectionInfo",
			ClientStreams: true, ServerStreams: true,
			MaxRecv: maxAnswer,
			// A refusal of the compression would look like one of the service.
			Uncompressed: true,
		}
		if s := timelimit.Unreachable(ctx); s != nil {
			return nil, q.failed(a.told(s))
		}
		// The values of the caller's context are kept, its end is not.
		// Connecting has limits of its own, which may be longer than a question's.
		own, cancel := context.WithCancel(context.WithoutCancel(ctx))
		ended := context.AfterFunc(ctx, cancel)
		opened := timelimit.Extend(ctx, a.opening)
		stream, err := a.transport.Open(own, m, a.metadata)
		opened()
		if ended() && err == nil {
			a.stream = &reflectStream{stream: stream, cancel: cancel, asked: map[string]bool{}}
			return a.stream, nil
		}
		cancel()
		if err == nil {
			stream.Finish()
		}
		if ctx.Err() != nil { // even when the stream was opened in time
			return nil, contextError(ctx, q.text)
		}
		status := invoke.StatusOf(err)
		timelimit.NoteUnreachable(ctx, status)
		switch {
		case a.settled == "" && status.Code == codes.Unimplemented:
			if err := a.nextVersion(status); err != nil {
				return nil, err
			}
		default:
			return nil, q.failed(a.told(status))
		}
	}
}

// slowStatus is the status of a wait that met a limit of this package.
func (a *asker) slowStatus(what string) *invoke.Status {
	return clientStatus(codes.Unavailable, fmt.Sprintf("waited %v for %s", a.timeout, what), timelimit.ErrSlow)
}

// A watch ends a wait by cancelling the stream: when the caller's context ends,
// or when it takes too long.
type watch struct {
	timer   *time.Timer
	slow    atomic.Bool
	unwatch func() bool
}

func (a *asker) watch(ctx context.Context, cancel context.CancelFunc) *watch {
	w := &watch{unwatch: context.AfterFunc(ctx, cancel)}
	w.timer = time.AfterFunc(a.timeout, func() {
		w.slow.Store(true)
		cancel()
	})
	return w
}

// stop ends the watch and reports whether the limit has passed.
func (w *watch) stop() bool {
	w.unwatch()
	w.timer.Stop()
	return w.slow.Load()
}

// exchange sends a question and waits for its answer. The status is that of the
// stream when it ended before.
func (a *asker) exchange(ctx context.Context, s *reflectStream, q question) (*answer, *invoke.Status) {
	w := a.watch(ctx, s.cancel)
	want := key(q.req)
	delete(s.asked, want)
	sendErr := s.stream.Send(q.req.marshal())
	defer a.halfCloseSoon(s)()
	answer, status := a.receive(s, sendErr)
	for strays := 0; status == nil && s.answersAnother(q, answer); strays++ {
		if strays == maxStrays {
			status = clientStatus(codes.Internal, "the server answers questions that were not asked", nil)
			break
		}
		answer, status = a.receive(s, nil)
	}
	s.asked[want] = true
	if w.stop() && status != nil && ctx.Err() == nil {
		return nil, a.slowStatus("an answer")
	}
	return answer, status
}

// maxStrays is how many answers to something else are passed over in the wait for
// one answer.
const maxStrays = 1000

// answersAnother reports whether an answer belongs to another question: one that has been
// answered, or one that an error names and that is not q. Names are the same with or without a
// dot before them. An answer that is no error counts by its kind, since some servers name
// their questions wrongly.
func (s *reflectStream) answersAnother(q question, a *answer) bool {
	of := key(a.of)
	if s.asked[of] {
		return true
	}
	if of == "" || a.kind != gotError {
		return false
	}
	return strings.Replace(of, " .", " ", 1) != strings.Replace(key(q.req), " .", " ", 1)
}

// receive waits for the next answer on the stream.
func (a *asker) receive(s *reflectStream, sendErr error) (*answer, *invoke.Status) {
	var raw []byte
	err := sendErr
	if err == nil {
		raw, err = s.stream.Recv()
	}
	if err != nil {
		status, _ := s.stream.Finish()
		if status.Code == codes.OK {
			status = clientStatus(codes.Unavailable, "the server ended the reflection stream without an answer", err)
		}
		return nil, status
	}
	got, err := parseAnswer(raw)
	if err != nil {
		return nil, clientStatus(codes.Internal, "the server's answer is not a reflection message", err)
	}
	s.answered = true
	a.settled = a.versions[0]
	return got, nil
}

// close ends the stream, if there is one.
func (a *asker) close() {
	if a.stream == nil {
		return
	}
	a.stream.cancel()
	a.stream.stream.Finish()
	a.stream = nil
}
