package discovery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// methodNames returns the names of the methods of a service that the pool has.
func (p *pool) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	in := p.packages[service.Parent()]
	if in == nil {
		return nil, false
	}
	for _, f := range in.declaring(service.Name()) {
		if f.served == nil {
			f.served = rawdesc.Services(f.raw)
		}
		if raw, ok := f.served[service.Name()]; ok {
			return rawdesc.MethodNames(raw), true
		}
	}
	return nil, false
}

// services returns the services of all files.
func (p *pool) services() []protoreflect.FullName {
	var names []protoreflect.FullName
	for _, f := range p.all {
		names = append(names, f.Services...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxKnown is how many names of a pool are known, as many as all that is public has several times.
const maxKnown = 500_000

// known returns the messages, enums and extensions at the top of all files.
func (p *pool) known() []protoreflect.FullName {
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

// extensions returns the extensions of a message that the pool's files declare.
// Files that can not be built are passed over.
func (p *pool) extensions(ctx context.Context, message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	p.indexExtendees()
	p.before = p.records
	var found []protoreflect.ExtensionDescriptor
	seen := map[protoreflect.FieldNumber]bool{}
	for _, f := range p.extendees[message] {
		fd, err := p.build(ctx, f, 0)
		if err != nil {
			if symbol.IsDescriptorError(err) || isWide(err) || errors.As(err, new(*splitRequest)) {
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

// indexExtendees notes for each file added since the last time what it extends.
// A relative name is noted under each name that it may stand for.
func (p *pool) indexExtendees() {
	if p.extendees == nil {
		p.extendees = map[protoreflect.FullName][]*file{}
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
