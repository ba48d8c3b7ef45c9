package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
	"github.com/rpcctl/rpcctl/invoke"
)

// The versions of the reflection service. Their messages are the same
// (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).
const (
	ReflectionV1      = "v1"
	ReflectionV1Alpha = "v1alpha"
)

// ReflectTimeout is the limit of one lookup, with all that is asked for it, that
// is used when ReflectOptions gives none.
const ReflectTimeout = 10 * time.Second

// ReflectOptions say how a server is asked about its schema.
type ReflectOptions struct {
	Metadata invoke.Metadata // sent with the reflection call; may be nil
	Version  string          // ReflectionV1, ReflectionV1Alpha, or "": v1, and v1alpha if that is not there
	Timeout  time.Duration   // of one lookup, and of each question in it; 0: ReflectTimeout
	// Open is how long the transport may take to open a call, which does not count for
	// Timeout, since connecting has limits of its own. 0: it counts.
	Open time.Duration
	// Duplex is used for questions when the server refuses to stream in both directions over
	// the HTTP version of the first transport (invoke.ErrHTTPVersion). The caller closes it.
	// Nil: there is none.
	Duplex invoke.Transport
	Told   func(Asked) // is called for each question when it was answered; may be nil
}

// Asked is a question that a server was asked.
type Asked struct {
	Question string // for people
	Version  string // of the reflection service: ReflectionV1, ReflectionV1Alpha, or "" when none answered
	Took     time.Duration
	Err      error
}

// A Reflection is the Source of a server with the reflection service. It is safe for
// concurrent use: what was found before is returned at once, and questions to the server wait
// for their turn. Nothing is sent before the first question.
//
// All questions go over one stream, and what the server sends in answer to one is kept for the
// next. A file that is not in order is passed over; whatever needs it fails in a
// *DescriptorError that names it, and nothing else does.
type Reflection struct {
	turn      chan struct{} // held by whoever asks or builds; a channel, so that waiting for it can end
	asker     *asker        // this and what follows are guarded by turn
	pool      *descpool.Pool
	bad       []error // files of answers that could not be read
	unbounded map[protoreflect.FullName]error
	// The questions whose answer was that there is no such thing.
	noPath   map[string]bool
	noSymbol map[protoreflect.FullName]bool

	mu         sync.RWMutex
	services   []protoreflect.FullName
	listed     bool
	found      map[protoreflect.FullName]protoreflect.Descriptor
	extensions map[protoreflect.FullName][]protoreflect.ExtensionDescriptor
}

// Reflect returns a source that asks the server behind a transport. The caller closes the
// transport.
func Reflect(t invoke.Transport, o ReflectOptions) *Reflection {
	r := &Reflection{
		turn:       make(chan struct{}, 1),
		asker:      newAsker(t, o),
		unbounded:  map[protoreflect.FullName]error{},
		noPath:     map[string]bool{},
		noSymbol:   map[protoreflect.FullName]bool{},
		found:      map[protoreflect.FullName]protoreflect.Descriptor{},
		extensions: map[protoreflect.FullName][]protoreflect.ExtensionDescriptor{},
	}
	r.pool = descpool.New(reflectionFetcher{r}, descpool.MaxServerWeight)
	return r
}

const reflectionOrigin = "reflection"

// Close ends the reflection stream. What was found stays; a later question opens
// a stream again.
func (r *Reflection) Close() error {
	r.turn <- struct{}{}
	defer r.release()
	r.asker.close()
	return nil
}

// Version returns the version of the reflection service that the server has,
// ReflectionV1 or ReflectionV1Alpha, or "" while that is not known.
func (r *Reflection) Version() string {
	r.turn <- struct{}{}
	defer r.release()
	return r.asker.settled
}

// Set returns what the server sent so far as a descriptor set, which ParseProtoset
// reads: for a cache. The files are as they came.
func (r *Reflection) Set() []byte {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.Set()
}

func (r *Reflection) acquire(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contextError(ctx, "schema")
	}
}

func (r *Reflection) release() { <-r.turn }

// limit bounds a lookup: all its questions together have the time of one.
func (r *Reflection) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return timelimit.With(ctx, r.asker.timeout)
}

// lookupLimit implements limited.
func (r *Reflection) lookupLimit() time.Duration { return r.asker.timeout }

// settle turns the error of a context that has ended into the error that lookups return for
// that.
func settle(ctx context.Context, err error, what string) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()) && !errors.As(err, new(*invoke.StatusError)) {
		return contextError(ctx, what)
	}
	return err
}

// Services implements Source. Names that cannot be those of a service are left
// out of what the server lists.
func (r *Reflection) Services(ctx context.Context) ([]protoreflect.FullName, error) {
	if names, ok := r.cachedServices(); ok {
		return names, nil
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	if names, ok := r.cachedServices(); ok {
		return names, nil
	}
	limited, cancel := r.limit(ctx)
	defer cancel()
	a, err := r.asker.ask(limited, listQuestion())
	if err != nil {
		return nil, err
	}
	listed := a.services
	if len(listed) > rawdesc.MaxServices {
		return nil, &DescriptorError{
			Origin: reflectionOrigin,
			Err:    fmt.Errorf("the server lists %d services", len(listed)),
		}
	}
	names := make([]protoreflect.FullName, 0, len(listed))
	for _, s := range listed {
		// Some servers put a dot before what is in no package.
		if n := protoreflect.FullName(strings.TrimPrefix(s, ".")); symbol.Valid(n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services, r.listed = slices.Compact(names), true
	return slices.Clone(r.services), nil
}

func (r *Reflection) cachedServices() ([]protoreflect.FullName, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.services), r.listed
}

// Find implements Source.
func (r *Reflection) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if !symbol.Valid(name) {
		return nil, &UnknownError{Kind: KindSymbol, Name: string(name)}
	}
	if d := r.cached(name); d != nil {
		return d, nil
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	if d := r.cached(name); d != nil {
		return d, nil
	}
	limited, cancel := r.limit(ctx)
	defer cancel()
	if err := r.unbounded[name]; err != nil {
		return nil, err
	}
	r.pool.StartLookup()
	d, err := r.find(limited, name)
	if err != nil {
		err = r.noteUnbounded(name, err)
		return nil, settle(limited, err, symbolQuestion(name).text)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.found[name] = d
	return d, nil
}

func (r *Reflection) cached(name protoreflect.FullName) protoreflect.Descriptor {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.found[name]
}

// find looks in what was sent, and asks only if that does not have the name.
func (r *Reflection) find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	d, err := r.pool.Find(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return d, err
	}
	had := r.pool.Size()
	if askErr := r.askSymbol(ctx, name); askErr != nil {
		return nil, askErr
	}
	d, err = r.pool.Find(ctx, name)
	if errors.Is(err, ErrNotFound) {
		// The server claims to know the symbol.
		why := errors.New("the server's answer does not declare it")
		if len(r.bad) > 0 {
			why = r.bad[len(r.bad)-1]
		}
		e := &DescriptorError{Origin: reflectionOrigin, Symbol: string(name), Err: why}
		if r.pool.Size() == had+1 {
			e.File = r.pool.Last()
		}
		return nil, e
	}
	return d, err
}

// Extensions implements Source. When a server does not answer this question, the extensions
// are those in the files that it sent.
func (r *Reflection) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	if xs, ok := r.cachedExtensions(message); ok {
		return xs, nil
	}
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer r.release()
	if xs, ok := r.cachedExtensions(message); ok {
		return xs, nil
	}
	limited, cancel := r.limit(ctx)
	defer cancel()
	what := extensionNumbersQuestion(message).text
	r.pool.StartLookup()
	if err := r.fetchExtensions(limited, message); err != nil {
		err = descpool.AsDescriptorError(reflectionOrigin, message, err)
		return nil, settle(limited, err, what)
	}
	xs, err := r.pool.Extensions(limited, message)
	if err != nil {
		err = descpool.AsDescriptorError(reflectionOrigin, message, err)
		return nil, settle(limited, err, what)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extensions[message] = xs
	return slices.Clone(xs), nil
}

func (r *Reflection) cachedExtensions(message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	xs, ok := r.extensions[message]
	return slices.Clone(xs), ok
}

func (r *Reflection) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.MethodNames(service)
}

func (r *Reflection) known() []protoreflect.FullName {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.Known()
}

func (r *Reflection) explain(name protoreflect.FullName) error {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.WhyMissing(name)
}
