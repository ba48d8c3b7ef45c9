// Package progress shows on standard error how far something that takes a while is.
package progress

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/invoke"
)

const (
	firstDrawn = time.Second      // what ends sooner shows no progress
	redrawn    = time.Second / 10 // the shortest time between two drawings
	plainLine  = 10 * time.Second // between two lines of --progress plain
)

// A Bar shows on standard error how far something that takes a while is. On a terminal it is
// one line, which is drawn again and again and removed at the end.
type Bar struct {
	w     io.Writer
	plain bool
	text  func(elapsed time.Duration) string // what there is to tell
	part  func() (done, total int64)         // 0 of 0 when nobody knows; may be nil
	now   func() time.Time

	mu    sync.Mutex
	bar   *progressbar.ProgressBar // nil until it is first drawn
	shown bool                     // it stands on the terminal now

	end  chan struct{}
	once sync.Once // closes end
	done sync.WaitGroup
}

// Start begins to show progress as the flag and the terminal ask. It returns nil, on which all
// methods do nothing, when there is none to be shown.
func Start(env *env.Env, mode string, text func(time.Duration) string, part func() (done, total int64)) *Bar {
	p := &Bar{w: env.Stderr, plain: mode == "plain", text: text, part: part, now: env.Now, end: make(chan struct{})}
	if mode == "none" || !p.plain && (!env.StderrTTY || env.Getenv("TERM") == "dumb") {
		return nil
	}
	p.done.Go(p.run)
	return p
}

// run draws until the end.
func (p *Bar) run() {
	began := p.now()
	first, every := firstDrawn, redrawn
	if p.plain {
		first, every = plainLine, plainLine
	}
	for t := time.NewTimer(first); ; t.Reset(every) {
		select {
		case <-p.end:
			t.Stop()
			return
		case <-t.C:
			p.draw(p.now().Sub(began))
		}
	}
}

// draw shows how far it is. An error of writing stops nothing.
func (p *Bar) draw(elapsed time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var done, total int64
	if p.part != nil {
		done, total = p.part()
	}
	if p.plain {
		left := ""
		if done > 0 && total > done {
			left = fmt.Sprintf(", %s left",
				(elapsed * time.Duration(total-done) / time.Duration(done)).Round(time.Second))
		}
		fmt.Fprintf(p.w, "rpcctl: %s%s\n", p.text(elapsed), left)
		return
	}
	if total == 0 {
		total = -1
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetWidth(20), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(redrawn/2), progressbar.OptionSetSpinnerChangeInterval(
				0), progressbar.OptionSetRenderBlankState(false))
	}
	p.bar.Describe(p.text(elapsed))
	if total > 0 {
		done = min(done, total-1) // the library would leave the line standing once it is complete
	}
	_ = p.bar.Set64(done)
	p.shown = true
}

// hide removes the line, so that something else can be written. The line is drawn again in its
// turn.
func (p *Bar) hide() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *Bar) clear() {
	if p.shown {
		_ = p.bar.Clear()
		p.shown = false
	}
}

// Stop ends the display and leaves nothing on the terminal. It may be called again.
func (p *Bar) Stop() {
	if p == nil {
		return
	}
	p.once.Do(func() { close(p.end) })
	p.done.Wait()
	p.hide()
}

// Beside returns a writer to the same terminal, which hides the line before it writes.
func (p *Bar) Beside(w io.Writer) io.Writer {
	if p == nil || p.plain {
		return w
	}
	return besideBar{p, w}
}

type besideBar struct {
	p *Bar
	w io.Writer
}

// Write writes where the line was.
func (b besideBar) Write(text []byte) (int, error) {
	b.p.mu.Lock()
	defer b.p.mu.Unlock()
	b.p.clear()
	return b.w.Write(text)
}

// Stream shows on the terminal how many messages a stream has had, when -v prints there. It
// returns a sink that counts events and passes them on to out, a writer for what -v prints,
// and a function that ends the display.
func Stream(env *env.Env, out invoke.Sink) (counts invoke.Sink, talk io.Writer, stop func()) {
	var sent, received atomic.Int64
	p := Start(env, "auto", func(elapsed time.Duration) string {
		s, r := sent.Load(), received.Load()
		return fmt.Sprintf("%d sent, %d received, %s", s, r, PerSecond(s+r, elapsed))
	}, nil)
	counts = invoke.SinkFunc(func(e *invoke.Event) error {
		switch e.Kind {
		case invoke.RequestSent:
			sent.Add(1)
		case invoke.ResponseReceived:
			received.Add(1)
		}
		if env.StdoutTTY && e.Kind == invoke.ResponseReceived {
			p.hide() // the answer is printed at once, on the same terminal
		}
		return out.Event(e)
	})
	return counts, p.Beside(env.Stderr), p.Stop
}

// PerSecond is a rate for people.
func PerSecond(n int64, elapsed time.Duration) string {
	rate := float64(n) / max(elapsed.Seconds(), 1e-3)
	if rate < 10 {
		return fmt.Sprintf("%.1f/s", rate)
	}
	return fmt.Sprintf("%.0f/s", rate)
}
