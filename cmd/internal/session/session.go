// Package session holds what outlives one command: the settings of a target, and
// its transport and schema, each opened when it is first needed.
package session

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver"
)

// ErrNoTarget means that a target is needed and none was given.
var ErrNoTarget = errors.New("no target given")

// Settings say where calls go and where the schema comes from. They are plain
// data; nothing is opened to make them.
type Settings struct {
	Target         *invoke.Target // nil: none was given
	TLS            connect.TLSOptions
	Authority      string
	UserAgent      string
	ConnectTimeout time.Duration // 0: the default
	MaxRecv        int           // bytes; 0: the default
	LoadBalancing  string        // pick_first, round_robin; "": the default
	ServiceConfig  string        // of gRPC, JSON; "": none
	Keepalive      time.Duration // 0: none
	Proxy          func(address string) (*url.URL, error)
	Policy         CallPolicy
	Wire           Wire

	Protos, ImportPaths []string // .proto files and the folders they and their imports are found in
	Protosets           []string // descriptor sets: files, https:// URLs, or - for standard input
	Reflection          bool     // ask the server too; always so when no files are given
	ReflectMetadata     invoke.Metadata
	NoCache             bool        // nothing is remembered for the next process, or taken from it
	NoComments          bool        // comments of .proto files are not needed
	PassedOver          func(error) // called for configurations of schema files that are not read; may be nil
}

// openLimit returns the time within which a call is open or has failed, when the user set no
// limit. A shorter one would hide why there is no connection.
func (s *Settings) openLimit() time.Duration {
	const between = 5 * time.Second // attempts
	return s.Policy.Wait + time.Duration(s.Policy.Retry+1)*(s.ConnectLimit()+between)
}

// ConnectLimit is how long connecting may take, once.
func (s *Settings) ConnectLimit() time.Duration {
	dialer := connect.Dialer{Timeout: s.ConnectTimeout}
	return dialer.Limit()
}

// World is what a session is given from outside.
type World struct {
	Dial  func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network's own
	Now   func() time.Time
	Stdin io.Reader // for a descriptor set named -
	// Demo returns the server behind the target demo:, which is the caller's to close; nil: each
	// session has one of its own.
	Demo func() *testserver.Memory
	// CacheDir is where schemas are remembered; "": they are not.
	CacheDir string
	// Connected is called for each step of making a connection, Asked for questions
	// about the schema; by several goroutines. They may be nil.
	Connected func(connect.Step)
	Asked     func(discovery.Asked)
}

// A Session opens what settings describe. It is used by one command at a time.
type Session struct {
	world      World
	settings   Settings
	transport  invoke.Transport
	source     discovery.Source
	types      invoke.Types
	memory     *discovery.Remembered // nil: nothing is remembered of the server
	live       atomic.Bool           // the server is asked for its schema, whatever is remembered of it
	refresh    *refresh              // nil: none was begun
	noComments bool                  // the source may lack comments
	reflects   bool                  // the source may ask the server
	closers    []func() error
}

// New makes a session without settings.
func New(w World) *Session { return &Session{world: w} }

// Configure sets the settings for what is opened from now on.
func (s *Session) Configure(settings Settings) { s.settings = settings }

// AskServer makes the schema come from the server itself from then on, whatever is remembered
// of it. Unlike the other methods it may be called at the same time as they are.
func (s *Session) AskServer() { s.live.Store(true) }

// Settings returns the settings in force.
func (s *Session) Settings() Settings { return s.settings }

// Transport returns the transport to the target, or ErrNoTarget. The files that it needs are
// read until ctx is done.
func (s *Session) Transport(ctx context.Context) (invoke.Transport, error) {
	if s.transport != nil {
		return s.transport, nil
	}
	target := s.settings.Target
	if target == nil {
		return nil, ErrNoTarget
	}
	t, err := s.open(ctx, *target, s.settings.Wire)
	if err != nil {
		return nil, err
	}
	s.transport = t
	return t, nil
}

// open makes a transport to the target over a wire. It is closed with the session.
func (s *Session) open(ctx context.Context, target invoke.Target, w Wire) (invoke.Transport, error) {
	dialer := connect.Dialer{Timeout: s.settings.ConnectTimeout, Net: s.world.Dial, Told: s.world.Connected}
	if !target.Local() {
		dialer.Proxy = s.settings.Proxy
	}
	if target.Named() && target.Security != invoke.SecurityTLS {
		dialer.Here = &connect.Here{Only: target.Security == invoke.SecurityAuto}
	}
	if target.Network == invoke.NetworkDemo {
		demo := s.demo()
		dialer.Net = func(ctx context.Context, _, _ string) (net.Conn, error) { return demo.Dial(ctx) }
	}
	t, err := w.transport(ctx, target, grpcwire.Options{
		TLS:       s.settings.TLS,
		Authority: s.settings.Authority,
		UserAgent: s.settings.UserAgent,
		MaxRecv:   s.settings.MaxRecv,
		Connect:   dialer,

		LoadBalancing: s.settings.LoadBalancing,
		ServiceConfig: s.settings.ServiceConfig,
		Keepalive:     s.settings.Keepalive,
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, t.Close)
	return withPolicy(t, target, dialer.Here, s.settings.Policy), nil
}

// demo returns the server inside this process.
func (s *Session) demo() *testserver.Memory {
	if s.world.Demo != nil {
		return s.world.Demo()
	}
	demo := testserver.StartMemory(testserver.Options{Now: s.world.Now})
	s.closers = append(s.closers, demo.Close)
	return demo
}

// Source returns the schema: the files that were given, then the server's reflection, then the
// files that every schema may import.
func (s *Session) Source(ctx context.Context) (discovery.Source, error) {
	if s.source != nil && (!s.noComments || s.settings.NoComments || len(s.settings.Protos) == 0) {
		if s.memory != nil && s.live.Load() {
			s.memory.Ask()
		}
		return s.source, nil
	}
	s.noComments, s.types = s.settings.NoComments, nil
	sources, err := s.files(ctx)
	if err != nil {
		return nil, err
	}
	if s.settings.Reflection || len(sources) == 0 {
		t, err := s.Transport(ctx)
		if err != nil {
			return nil, err
		}
		s.reflects = true
		r, err := s.reflection(ctx, t)
		if err != nil {
			return nil, err
		}
		sources = append(sources, r)
	}
	sources = append(sources, discovery.Builtin())
	s.source = discovery.Layer(sources[0], sources[1:]...)
	return s.source, nil
}

// Authorize obtains the credential before the schema is looked up, if the server will be asked
// for it: the limit of a lookup is short, and a program or a person may take longer. Its error
// is what Open of the transport would return, or context.Canceled.
func (s *Session) Authorize(ctx context.Context) error {
	c, ok := s.transport.(*policyTransport)
	if !ok || !s.reflects || s.memory != nil && !s.memory.Empty() {
		return nil
	}
	_, err := c.credential(ctx, s.settings.ReflectMetadata)
	if errors.Is(err, context.Canceled) {
		return context.Canceled // no call was made yet that could be cancelled
	}
	return err
}

// files opens the schema files.
func (s *Session) files(ctx context.Context) ([]discovery.Source, error) {
	var sources []discovery.Source
	if len(s.settings.Protos) > 0 {
		o := discovery.ProtofileOptions{
			ImportPaths: s.settings.ImportPaths, Files: s.settings.Protos,
			NoComments: s.settings.NoComments, PassedOver: s.settings.PassedOver,
		}
		if cache := s.Cache(); cache.Dir() != "" { // else nothing is kept, and there is nothing to make
			o.Store = cache.Group("compiled .proto files")
		}
		p, err := discovery.OpenProtos(ctx, o)
		if err != nil {
			return nil, err
		}
		sources = append(sources, p)
	}
	if len(s.settings.Protosets) > 0 {
		p, err := s.protosets(ctx)
		if err != nil {
			return nil, err
		}
		sources = append(sources, p)
	}
	return sources, nil
}

// Types resolves the messages inside an Any and extensions, from the session's
// schema.
func (s *Session) Types(ctx context.Context) (invoke.Types, error) {
	if s.types == nil {
		source, err := s.Source(ctx)
		if err != nil {
			return nil, err
		}
		s.types = discovery.Types(ctx, source)
	}
	return s.types, nil
}

// Close closes all that was opened, the last first. What is asked beside a call is
// dropped, and what was learned is kept for the next process.
func (s *Session) Close() error {
	var errs []error
	s.remember()
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers, s.transport, s.source, s.types, s.memory, s.reflects = nil, nil, nil, nil, nil, false
	return errors.Join(errs...)
}
