package discovery

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/invoke"
)

var _ invoke.Types = (*Resolver)(nil)

// maxTypes is how many names a Resolver remembers; an endless stream of messages
// with ever new type names must not fill the memory.
const maxTypes = 10_000

// A Resolver finds the types that messages do not bring with them: those inside of an Any, and
// extensions. It is an invoke.Types, safe for concurrent use.
//
// Every error becomes protoregistry.NotFound, and a message is then shown as bytes: output
// never fails for want of a schema. A source that could not be asked once is not asked again.
type Resolver struct {
	// The methods that protobuf calls have no context, and lookups may do I/O.
	ctx    context.Context
	source Source

	mu         sync.Mutex
	messages   map[protoreflect.FullName]protoreflect.MessageType // nil: there is none
	extensions map[protoreflect.FullName][]protoreflect.ExtensionType
	unasked    bool // the source cannot be asked
}

// Types returns a resolver that asks a source, until ctx ends, and knows what
// Builtin has as a last resort.
func Types(ctx context.Context, s Source) *Resolver {
	return &Resolver{
		ctx: ctx, source: s,
		messages:   map[protoreflect.FullName]protoreflect.MessageType{},
		extensions: map[protoreflect.FullName][]protoreflect.ExtensionType{},
	}
}

// Within returns a resolver like this one that asks for no longer than d.
func (r *Resolver) Within(d time.Duration) *Resolver {
	ctx, cancel := context.WithTimeout(r.ctx, d)
	context.AfterFunc(ctx, cancel)
	return Types(ctx, r.source)
}

// FindMessageByURL implements protoregistry.MessageTypeResolver. The name is what
// follows the last slash.
func (r *Resolver) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return r.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}

// FindMessageByName implements protoregistry.MessageTypeResolver.
func (r *Resolver) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if !symbol.Valid(name) {
		return nil, protoregistry.NotFound
	}
	r.mu.Lock()
	mt, known := r.messages[name]
	r.mu.Unlock()
	if !known {
		mt = r.find(name)
	}
	if mt == nil {
		return nil, protoregistry.NotFound
	}
	return mt, nil
}

// find asks for a message and remembers the answer. Two callers may ask at the
// same time: the source sees to it that they share the work.
func (r *Resolver) find(name protoreflect.FullName) protoreflect.MessageType {
	var mt protoreflect.MessageType
	for _, s := range []Source{r.source, Builtin()} {
		if md := r.message(s, name); md != nil {
			mt = dynamicpb.NewMessageType(md)
			break
		}
	}
	if mt == nil && r.ctx.Err() != nil {
		return nil // nobody was asked
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old := r.messages[name]; old != nil {
		return old // a type never changes
	}
	if len(r.messages) < maxTypes {
		r.messages[name] = mt
	}
	return mt
}

func (r *Resolver) message(s Source, name protoreflect.FullName) protoreflect.MessageDescriptor {
	if s == r.source && !r.mayAsk() {
		return nil
	}
	d, err := s.Find(r.ctx, name)
	if err != nil {
		r.note(err)
		return nil
	}
	md, ok := d.(protoreflect.MessageDescriptor)
	if !ok || checkReach(nil, md, md, map[protoreflect.FullName]bool{}) != nil {
		return nil
	}
	return md
}

func (r *Resolver) mayAsk() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.unasked && r.ctx.Err() == nil
}

// note remembers that a source cannot be asked, lest each name wait for it.
func (r *Resolver) note(err error) {
	if ignoreAnswered(err) == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unasked = true
}

// FindExtensionByName implements protoregistry.ExtensionTypeResolver.
func (r *Resolver) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if !symbol.Valid(name) || !r.mayAsk() {
		return nil, protoregistry.NotFound
	}
	d, err := r.source.Find(r.ctx, name)
	if err != nil {
		r.note(err)
		return nil, protoregistry.NotFound
	}
	xd, ok := d.(protoreflect.ExtensionDescriptor)
	if !ok || !xd.IsExtension() {
		return nil, protoregistry.NotFound
	}
	return r.FindExtensionByNumber(xd.ContainingMessage().FullName(), xd.Number())
}

// FindExtensionByNumber implements protoregistry.ExtensionTypeResolver.
func (r *Resolver) FindExtensionByNumber(
	message protoreflect.FullName, number protoreflect.FieldNumber,
) (protoreflect.ExtensionType, error) {
	r.mu.Lock()
	types, known := r.extensions[message]
	r.mu.Unlock()
	if !known {
		types = r.findExtensions(message)
	}
	for _, xt := range types {
		if xt.TypeDescriptor().Number() == number {
			return xt, nil
		}
	}
	return nil, protoregistry.NotFound
}

func (r *Resolver) findExtensions(message protoreflect.FullName) []protoreflect.ExtensionType {
	if !r.mayAsk() {
		return nil
	}
	xs, err := r.source.Extensions(r.ctx, message)
	if err != nil && !errors.Is(err, ErrNotFound) {
		r.note(err)
	}
	var types []protoreflect.ExtensionType
	for _, x := range xs {
		if md := x.Message(); md != nil && checkReach(nil, x, md, map[protoreflect.FullName]bool{}) != nil {
			continue
		}
		types = append(types, dynamicpb.NewExtensionType(x))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.extensions[message]; ok {
		return old
	}
	if len(r.extensions) < maxTypes {
		r.extensions[message] = types
	}
	return types
}
