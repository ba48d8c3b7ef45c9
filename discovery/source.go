package discovery

import (
	"context"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
)

// A Source resolves descriptors by name. Lookups may do I/O, and the source
// caches what they bring; a missing name is an error that wraps ErrNotFound.
// Sources are safe for concurrent use.
type Source interface {
	// Services returns the full names of the services, sorted and each once.
	// Nothing but names is fetched. The slice is the caller's.
	Services(ctx context.Context) ([]protoreflect.FullName, error)
	// Find returns the descriptor of the symbol with this full name: a service,
	// method, message, enum, field, oneof, enum value or extension. A type that its
	// fields or methods refer to may be a placeholder when the source does not have
	// it; see CheckMethod.
	Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error)
	// Extensions returns the known extensions of a message, in the order of their
	// numbers. None is no error.
	Extensions(ctx context.Context, message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error)
}

// A prefetcher is a Source that can bring many symbols with fewer round trips than Find needs.
// What it did not bring, Find reports.
type prefetcher interface {
	prefetch(ctx context.Context, names []protoreflect.FullName)
}

// A methodLister is a Source that can tell the methods of a service without
// building anything. It does not ask anybody; ok reports whether it has the service.
type methodLister interface {
	methodNames(service protoreflect.FullName) (methods []protoreflect.Name, ok bool)
}

// An enumerator is a Source that can list the full names of what it has without
// asking anybody: top-level messages, enums and extensions.
type enumerator interface {
	known() []protoreflect.FullName
}

// An explainer is a Source that remembers why it could not describe a symbol
// that something else refers to.
type explainer interface {
	explain(name protoreflect.FullName) error
}

// limited is a Source that limits how long one lookup may take; 0 is no limit.
type limited interface {
	lookupLimit() time.Duration
}

// limitLookup bounds a search that makes several lookups by the limit of one: a
// server that is silent is not waited for again and again.
func limitLookup(ctx context.Context, s Source) (context.Context, context.CancelFunc) {
	if b, ok := s.(limited); ok && b.lookupLimit() > 0 {
		return timelimit.With(ctx, b.lookupLimit())
	}
	return ctx, func() {}
}
