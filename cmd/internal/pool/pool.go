// Package pool keeps the sessions that lines of the shell share, each under the flags that make it
// what it is.
package pool

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/testserver"
)

// A Pool keeps sessions open. Its methods may be called at the same time.
type Pool struct {
	ctx  context.Context // until which the types of the sessions are looked up
	env  *env.Env
	busy func() bool

	asking turn // held while a session begins to use reflection

	mu     sync.Mutex         // never held while waiting
	open   map[string]*pooled // by their keys
	recent []string           // the keys of open, the one that was used last at the end

	demoOnce sync.Once
	demo     *testserver.Memory // the server behind the target demo:; nil: it was not needed yet
}

// New returns a pool without sessions, for use until ctx is done. busy reports whether calls run in
// the background, which may use any session.
func New(ctx context.Context, env *env.Env, busy func() bool) *Pool {
	return &Pool{ctx: ctx, env: env, busy: busy, asking: make(turn, 1), open: map[string]*pooled{}}
}

// Close closes all sessions. One that is just being opened is waited for until ctx is done.
func (p *Pool) Close(ctx context.Context) {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.open))
	p.mu.Unlock()
	for _, open := range all {
		if open.opening.take(ctx) == nil {
			_ = open.Close() // there is nobody left to report it to
			open.opening.giveBack()
		}
	}
	if p.demo != nil {
		_ = p.demo.Close()
	}
}

// LockSchema waits until no other line makes a session ask its server for the schema. unlock ends
// that. The error is that of ctx.
func (p *Pool) LockSchema(ctx context.Context) (unlock func(), err error) {
	if err := p.asking.take(ctx); err != nil {
		return nil, err
	}
	return p.asking.giveBack, nil
}

// A pooled session is one that lines share.
type pooled struct {
	*session.Session
	opening turn // held while it is opened or closed
}

// close closes the session, unless it is being opened just now. It reports whether it did.
func (o *pooled) close() bool {
	if !o.opening.try() {
		return false
	}
	defer o.opening.giveBack()
	_ = o.Close() // the calls tell
	return true
}

// Session returns the session of a key: the one that a line with the same key has opened, or a
// new one. Its transport and types are made here, so that afterwards lines and
// jobs may use it at the same time. Files are read for that until ctx is done, which is the only
// error. Lines with other flags wait for none of that.
func (p *Pool) Session(ctx context.Context, key string, settings session.Settings) (*session.Session, error) {
	open, err := p.pooled(ctx, key, settings)
	if err != nil {
		return nil, err
	}
	defer open.opening.giveBack()
	// An error is reported by the command that needs what could not be opened.
	_, err = open.Transport(ctx)
	if err == nil || errors.Is(err, session.ErrNoTarget) {
		if _, err = open.Source(ctx); err == nil {
			_, _ = open.Types(p.ctx) // which outlive the line
		}
	}
	if errors.As(err, new(*boundfile.WaitError)) {
		return nil, err
	}
	return open.Session, nil
}

// pooled returns the session of a key, a new one where there is none, when it is the caller's turn
// to open it. The error is that of ctx.
func (p *Pool) pooled(ctx context.Context, key string, settings session.Settings) (*pooled, error) {
	for {
		p.mu.Lock()
		open, ok := p.open[key]
		p.recent = append(slices.DeleteFunc(p.recent, func(k string) bool { return k == key }), key)
		if !ok {
			p.closeOldest()
			open = &pooled{
				session.New(session.World{Dial: p.env.Dial, Now: p.env.Now, Demo: p.demoServer}),
				make(turn, 1),
			}
			open.Configure(settings)
			p.open[key] = open
		}
		p.mu.Unlock()
		if err := open.opening.take(ctx); err != nil {
			return nil, err
		}
		p.mu.Lock()
		still := p.open[key] == open
		p.mu.Unlock()
		if still {
			return open, nil
		}
		open.opening.giveBack() // it was closed meanwhile
	}
}

// A turn is a lock, which is waited for as long as a context says.
type turn chan struct{}

// take waits for the lock. The error is that of ctx.
func (t turn) take(ctx context.Context) error {
	if t.try() {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try takes the lock if it is free, and reports whether it did.
func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) giveBack() { <-t }

// Max is how many sessions are open at once: a line with flags of its own has a session of its
// own, with a connection and a schema.
const Max = 16

// closeOldest closes the sessions that were not used for the longest time, when there are too
// many. What runs in the background may use any. The pool is locked.
func (p *Pool) closeOldest() {
	for len(p.open) >= Max && !p.busy() {
		if open, ok := p.open[p.recent[0]]; ok {
			if !open.close() {
				return
			}
			delete(p.open, p.recent[0])
		}
		p.recent = p.recent[1:]
	}
}

// demoServer returns the server behind the target demo:, one for all sessions.
func (p *Pool) demoServer() *testserver.Memory {
	p.demoOnce.Do(func() { p.demo = testserver.StartMemory(testserver.Options{Now: p.env.Now}) })
	return p.demo
}

// Drop closes what is open, which ends the calls over it. What is just being opened has
// none, and is not waited for.
func (p *Pool) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, open := range p.open {
		if open.close() {
			delete(p.open, key)
		}
	}
}
