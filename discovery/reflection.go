package discovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
)

// The versions of the reflection service. Their messages are the same
// (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md).
const (
	ReflectionV1      = "v1"
	ReflectionV1Alpha = "v1alpha"
)

// ReflectTimeout is the limit of one reflection question that is used when
// ReflectOptions gives none.
const ReflectTimeout = 10 * time.Second

// ReflectOptions say how a server is asked about its schema.
type ReflectOptions struct {
	Metadata invoke.Metadata // sent with the reflection call; may be nil
	Version  string          // ReflectionV1, ReflectionV1Alpha, or "": v1, and v1alpha if that is not there
	Timeout  time.Duration   // of one question, and of opening the stream; 0: ReflectTimeout
}

// A Reflection is the Source of a server with the reflection service. It is safe
// for concurrent use: what was found once is answered at once, and questions to
// the server wait for their turn. Nothing is asked before the first question.
//
// All questions go over one stream, and what the server sends in answer to one is
// kept for the next. A file that is not in order is passed over; whatever needs
// it fails in a *DescriptorError that names it, and nothing else does.
type Reflection struct {
	turn  chan struct{} // held by the one who asks or builds; a channel, so that a waiter can give up
	asker *asker        // and what follows: guarded by turn
	pool  *pool
	bad   []error // files of answers that could not be read
	// The questions whose answer was that there is no such thing.
	noPath   map[string]bool
	noSymbol map[protoreflect.FullName]bool

	mu         sync.RWMutex
	services   []protoreflect.FullName
	listed     bool
	found      map[protoreflect.FullName]protoreflect.Descriptor
	extensions map[protoreflect.FullName][]protoreflect.ExtensionDescriptor
}

// Reflect returns a source that asks the server behind a transport. The transport
// stays the caller's.
func Reflect(t invoke.Transport, o ReflectOptions) *Reflection {
	r := &Reflection{
		turn:       make(chan struct{}, 1),
		asker:      newAsker(t, o),
		noPath:     map[string]bool{},
		noSymbol:   map[protoreflect.FullName]bool{},
		found:      map[protoreflect.FullName]protoreflect.Descriptor{},
		extensions: map[protoreflect.FullName][]protoreflect.ExtensionDescriptor{},
	}
	r.pool = newPool(r)
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
	var set []byte
	for _, f := range r.pool.all {
		set = protowire.AppendTag(set, setFile, protowire.BytesType)
		set = protowire.AppendBytes(set, f.raw)
	}
	return set
}

func (r *Reflection) acquire(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return contextError(ctx, "turn to ask")
	}
}

func (r *Reflection) release() { <-r.turn }

// Services implements Source. Names that can not be those of a service are left
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
	a, err := r.asker.ask(ctx, listQuestion())
	if err != nil {
		return nil, err
	}
	listed := a.GetListServicesResponse().GetService()
	if len(listed) > maxFiles {
		return nil, &DescriptorError{Origin: reflectionOrigin, Err: fmt.Errorf("the server lists %d services", len(listed))}
	}
	var names []protoreflect.FullName
	for _, s := range listed {
		// Some servers put a dot before what is in no package.
		if n := protoreflect.FullName(strings.TrimPrefix(s.GetName(), ".")); len(n) <= maxName && n.IsValid() {
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
	if len(name) > maxName || !name.IsValid() {
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
	d, err := r.find(ctx, name)
	if err != nil {
		return nil, err
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
	d, err := r.pool.find(ctx, name)
	if !errors.Is(err, ErrNotFound) {
		return d, err
	}
	had := len(r.pool.all)
	if askErr := r.fetchSymbol(ctx, name); askErr != nil {
		return nil, askErr
	}
	d, err = r.pool.find(ctx, name)
	if errors.Is(err, ErrNotFound) {
		// The server claims to know the symbol.
		why := errors.New("the server's answer does not declare it")
		if len(r.bad) > 0 {
			why = r.bad[len(r.bad)-1]
		}
		e := &DescriptorError{Origin: reflectionOrigin, Symbol: string(name), Err: why}
		if len(r.pool.all) == had+1 {
			e.File = r.pool.all[had].path
		}
		return nil, e
	}
	return d, err
}

// Extensions implements Source. A server that does not answer this question has
// no extensions but those in the files that it sent.
func (r *Reflection) Extensions(ctx context.Context, message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
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
	if err := r.fetchExtensions(ctx, message); err != nil {
		return nil, err
	}
	xs, err := r.pool.extensions(ctx, message)
	if err != nil {
		return nil, err
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

// maxExtensions is how many extensions of one message are asked for.
const maxExtensions = 1000

func (r *Reflection) fetchExtensions(ctx context.Context, message protoreflect.FullName) error {
	a, err := r.asker.ask(ctx, extensionNumbersQuestion(message))
	if err != nil {
		return ignoreAnswered(err)
	}
	numbers := a.GetAllExtensionNumbersResponse().GetExtensionNumber()
	if len(numbers) > maxExtensions {
		return &DescriptorError{Origin: reflectionOrigin, Symbol: string(message), Err: fmt.Errorf("%d extensions", len(numbers))}
	}
	for _, n := range numbers {
		known, err := r.pool.extensions(ctx, message)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(known, func(x protoreflect.ExtensionDescriptor) bool { return int32(x.Number()) == n }) {
			continue
		}
		if err := r.askFiles(ctx, extensionQuestion(message, n)); err != nil && ignoreAnswered(err) != nil {
			return err
		}
	}
	return nil
}

// ignoreAnswered returns nil for a server that answered, if only with an error.
func ignoreAnswered(err error) error {
	var answered *answeredError
	if errors.Is(err, ErrNotFound) || errors.As(err, &answered) || isDescriptorError(err) {
		return nil
	}
	return err
}

// fetchPath implements fetcher.
func (r *Reflection) fetchPath(ctx context.Context, path string) error {
	if r.noPath[path] {
		return ErrNotFound
	}
	answer, err := r.asker.ask(ctx, pathQuestion(path))
	return r.takePath(path, answer, err)
}

// fetchPaths implements fetcher.
func (r *Reflection) fetchPaths(ctx context.Context, paths []string) {
	var questions []question
	for _, path := range paths {
		if !r.noPath[path] {
			questions = append(questions, pathQuestion(path))
		}
	}
	r.asker.askAll(ctx, questions, func(i int, answer *reflectpb.ServerReflectionResponse, err error) bool {
		return !errors.Is(r.takePath(questions[i].about, answer, err), errPoolFull)
	})
}

// takePath adds the answer to a question for a file. The file may come under
// another name than the one it was asked for by, as those of a registry do that
// knows files by the place they were compiled in.
func (r *Reflection) takePath(path string, answer *reflectpb.ServerReflectionResponse, err error) error {
	had := len(r.pool.all)
	if err == nil {
		err = r.addFiles(answer)
	}
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
	case err == nil && r.pool.files[path] != nil:
	case err == nil && len(r.pool.all) == had+1:
		r.pool.files[path] = r.pool.all[had]
	default:
		r.noPath[path] = true
	}
	return err
}

// fetchSymbol implements fetcher.
func (r *Reflection) fetchSymbol(ctx context.Context, name protoreflect.FullName) error {
	if r.noSymbol[name] {
		return symbolQuestion(name).missing()
	}
	err := r.askFiles(ctx, symbolQuestion(name))
	if errors.Is(err, ErrNotFound) && name.Parent() == "" {
		err = r.askFiles(ctx, symbolQuestion("."+name)) // as some servers know what is in no package
	}
	if errors.Is(err, ErrNotFound) {
		r.noSymbol[name] = true
		err = symbolQuestion(name).missing()
	}
	return err
}

// askFiles asks a question that files are the answer to, and adds them.
func (r *Reflection) askFiles(ctx context.Context, q question) error {
	a, err := r.asker.ask(ctx, q)
	if err != nil {
		return err
	}
	return r.addFiles(a)
}

func (r *Reflection) addFiles(a *reflectpb.ServerReflectionResponse) error {
	for _, raw := range a.GetFileDescriptorResponse().GetFileDescriptorProto() {
		_, _, err := r.pool.add(reflectionOrigin, raw)
		if errors.Is(err, errPoolFull) {
			return err
		}
		if err != nil && len(r.bad) < maxFiles {
			r.bad = append(r.bad, err)
		}
	}
	return nil
}

// prefetch implements prefetcher: it asks for all symbols that are not there yet
// without waiting for one answer before the next question.
func (r *Reflection) prefetch(ctx context.Context, names []protoreflect.FullName) {
	if r.acquire(ctx) != nil {
		return
	}
	defer r.release()
	var questions []question
	for _, n := range names {
		if !r.noSymbol[n] && len(r.pool.owners(n)) == 0 && wellKnownSymbol(n) == nil {
			questions = append(questions, symbolQuestion(n))
		}
	}
	r.asker.askAll(ctx, questions, func(i int, a *reflectpb.ServerReflectionResponse, err error) bool {
		if name := protoreflect.FullName(questions[i].about); errors.Is(err, ErrNotFound) && name.Parent() != "" {
			r.noSymbol[name] = true
		}
		return err != nil || r.addFiles(a) == nil
	})
}

func (r *Reflection) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.methodNames(service)
}

func (r *Reflection) known() []protoreflect.FullName {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.known()
}

func (r *Reflection) explain(name protoreflect.FullName) error {
	r.turn <- struct{}{}
	defer r.release()
	return r.pool.lacks[name]
}
