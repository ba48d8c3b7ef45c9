package discovery

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A Layered is several sources that answer as one.
type Layered struct{ sources []Source }

// Layer puts sources on top of one another: the first one that has a symbol answers for it,
// and lists are unions.
//
// A source that has no answer does not hide those below it. When none has the symbol, the
// error is one that says more than that a name is missing. It also wraps ErrNotFound when one
// source said that the name is missing and the other has no reflection, or refused to answer:
// a server that did not answer, or whose descriptor is not valid, may still have the name.
func Layer(first Source, rest ...Source) *Layered {
	return &Layered{sources: append([]Source{first}, rest...)}
}

// Services implements Source. A server without reflection is no error as long as
// another source has services.
func (l *Layered) Services(ctx context.Context) ([]protoreflect.FullName, error) {
	var all []protoreflect.FullName
	var absent error
	for _, s := range l.sources {
		names, err := s.Services(ctx)
		var none *NoReflectionError
		switch {
		case errors.As(err, &none):
			absent = cmp.Or(absent, err)
		case err != nil:
			return nil, err
		}
		if all == nil {
			all = names
		} else {
			all = append(all, names...)
		}
	}
	if len(all) == 0 && absent != nil {
		return nil, absent
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Find implements Source.
func (l *Layered) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	var missing, failed error
	for _, s := range l.sources {
		d, err := s.Find(ctx, name)
		switch {
		case err == nil:
			return d, nil
		case errors.Is(err, ErrNotFound):
			missing = cmp.Or(missing, err)
		default:
			failed = cmp.Or(failed, err)
		}
	}
	if failed != nil && missing != nil && mayLack(failed) {
		return nil, &partlyMissing{failed}
	}
	return nil, cmp.Or(failed, missing)
}

// mayLack reports whether a source with this error may lack the name: some servers answer with
// any code when they do.
func mayLack(err error) bool {
	var answered *answeredError
	return errors.As(err, new(*NoReflectionError)) || errors.As(err, &answered) && !symbol.IsDescriptorError(err)
}

// partlyMissing is the error of one source while another does not have the name.
type partlyMissing struct{ error }

func (e *partlyMissing) Unwrap() []error { return []error{e.error, ErrNotFound} }

// Extensions implements Source. Where two sources have an extension of the same
// number, the first one's is returned.
func (l *Layered) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	var all []protoreflect.ExtensionDescriptor
	var failed error
	seen := map[protoreflect.FieldNumber]bool{}
	for _, s := range l.sources {
		xs, err := s.Extensions(ctx, message)
		var none *NoReflectionError
		if err != nil && !errors.As(err, &none) && !errors.Is(err, ErrNotFound) {
			failed = cmp.Or(failed, err)
		}
		for _, x := range xs {
			if !seen[x.Number()] {
				seen[x.Number()] = true
				all = append(all, x)
			}
		}
	}
	if failed != nil && len(all) == 0 {
		return nil, failed
	}
	symbol.SortExtensions(all)
	return all, nil
}

// lookupLimit implements limited, by the longest limit of its sources.
func (l *Layered) lookupLimit() time.Duration {
	var longest time.Duration
	for _, s := range l.sources {
		if b, ok := s.(limited); ok {
			longest = max(longest, b.lookupLimit())
		}
	}
	return longest
}

func (l *Layered) prefetch(ctx context.Context, names []protoreflect.FullName) {
	for _, s := range l.sources {
		if p, ok := s.(prefetcher); ok {
			p.prefetch(ctx, names)
		}
	}
}

// methodNames gives up at a source that would have to be asked.
func (l *Layered) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	for _, s := range l.sources {
		lister, ok := s.(methodLister)
		if !ok {
			return nil, false
		}
		if methods, ok := lister.methodNames(service); ok {
			return methods, true
		}
	}
	return nil, false
}

func (l *Layered) known() []protoreflect.FullName {
	var all []protoreflect.FullName
	for _, s := range l.sources {
		if e, ok := s.(enumerator); ok {
			all = append(all, e.known()...)
		}
	}
	return all
}

func (l *Layered) explain(name protoreflect.FullName) error {
	for _, s := range l.sources {
		if e, ok := s.(explainer); ok {
			if err := e.explain(name); err != nil {
				return err
			}
		}
	}
	return nil
}
