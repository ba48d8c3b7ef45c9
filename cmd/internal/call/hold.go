package call

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/invoke"
)

// holdOptions keep the sending side of a stream open after the input has ended:
// some servers end a stream when their client half-closes.
type holdOptions struct {
	length   flags.Seconds
	messages int
}

func (o *holdOptions) add(f *pflag.FlagSet) {
	f.Var(&o.length, "hold", "keep sending open this long after the input has ended")
	f.IntVar(&o.messages, "until-messages", 0, "keep sending open until this many answers came")
}

func (o *holdOptions) isSet() bool { return o.length > 0 || o.messages > 0 }

// check refuses a number of answers that cannot come.
func (o *holdOptions) check() error {
	if o.messages < 0 {
		return problem.Usage(fmt.Errorf("--until-messages %d: from 1 on", o.messages), "")
	}
	return nil
}

// wrap returns requests that end when the options say so.
func (o *holdOptions) wrap(r invoke.Requests) *held {
	return &held{Requests: r, length: o.length.Duration(), messages: o.messages, enough: make(chan struct{})}
}

// held is requests that do not end with their input: they wait for a time or for
// a number of answers, whichever comes first. As a Sink it counts the answers.
type held struct {
	invoke.Requests
	length   time.Duration // 0: no limit
	messages int           // 0: no number
	enough   chan struct{} // closed when so many answers have come
}

// Next returns the next request, and holds back the end.
func (h *held) Next(ctx context.Context) ([]byte, error) {
	wire, err := h.Requests.Next(ctx)
	if err != io.EOF {
		return wire, err
	}
	var over <-chan time.Time
	if h.length > 0 {
		t := time.NewTimer(h.length)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-h.enough:
	case <-over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return nil, io.EOF
}

// Event counts the answers.
func (h *held) Event(e *invoke.Event) error {
	if e.Kind == invoke.ResponseReceived && e.Seq+1 == h.messages {
		close(h.enough)
	}
	return nil
}
