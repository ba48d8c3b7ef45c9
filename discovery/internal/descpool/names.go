package descpool

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// MethodNames returns the names of the methods of a service, and whether the pool has the
// service.
func (p *Pool) MethodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	in := p.packages[service.Parent()]
	if in == nil {
		return nil, false
	}
	for _, f := range in.declaring(service.Name()) {
		if f.encodedServices == nil {
			f.encodedServices = rawdesc.Services(f.raw)
		}
		if raw, ok := f.encodedServices[service.Name()]; ok {
			return rawdesc.MethodNames(raw), true
		}
	}
	return nil, false
}

// Services returns the full names of the services that all files declare, sorted.
func (p *Pool) Services() []protoreflect.FullName {
	var names []protoreflect.FullName
	for _, f := range p.all {
		names = append(names, f.Services...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxKnown is how many names Known returns at most. All public schemas together have a
// fraction of that.
const maxKnown = 500_000

// Known returns the full names of the messages, enums and extensions that files declare at
// their top level, sorted.
func (p *Pool) Known() []protoreflect.FullName {
	var names []protoreflect.FullName
	for _, f := range p.all {
		rawdesc.TopNames(f.raw, func(name protoreflect.Name, listed bool) bool {
			if listed && name.IsValid() {
				names = append(names, symbol.Join(f.Package, string(name)))
			}
			return len(names) < maxKnown
		})
		if len(names) == maxKnown {
			break
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Extensions returns the extensions of a message that files declare, by number. Files that
// cannot be built are skipped.
func (p *Pool) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	p.indexExtendees()
	p.weightBefore = p.weight
	var found []protoreflect.ExtensionDescriptor
	seen := map[protoreflect.FieldNumber]bool{}
	for _, f := range p.extendees[message] {
		fd, err := p.build(ctx, f, 0)
		if err != nil {
			if symbol.IsDescriptorError(err) || isTooWide(err) || errors.As(err, new(*splitRequest)) {
				continue
			}
			return nil, err
		}
		symbol.EachExtension(fd, func(x protoreflect.ExtensionDescriptor) {
			if x.ContainingMessage().FullName() == message && !seen[x.Number()] {
				seen[x.Number()] = true
				found = append(found, x)
			}
		})
	}
	symbol.SortExtensions(found)
	return found, nil
}

// indexExtendees records what the files that were added since the last call extend. A relative
// name is recorded as each of the full names that it may mean.
func (p *Pool) indexExtendees() {
	if p.extendees == nil {
		p.extendees = map[protoreflect.FullName][]*File{}
	}
	for _, f := range p.all[p.indexed:] {
		seen := map[protoreflect.FullName]bool{}
		note := func(name protoreflect.FullName) {
			if !seen[name] {
				seen[name] = true
				p.extendees[name] = append(p.extendees[name], f)
			}
		}
		_ = rawdesc.Extendees(f.raw, func(extendee string) {
			if len(extendee) > symbol.MaxName {
				return
			}
			if full, ok := strings.CutPrefix(extendee, "."); ok {
				note(protoreflect.FullName(full))
				return
			}
			for scope := f.Package; ; scope = scope.Parent() {
				note(symbol.Join(scope, extendee))
				if scope == "" {
					return
				}
			}
		})
	}
	p.indexed = len(p.all)
}
