package discovery

import (
	"context"
	"errors"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
	"github.com/rpcctl/rpcctl/internal/nearest"
	"github.com/rpcctl/rpcctl/invoke"
)

// FindSymbol returns what a name stands for: a service, method, message, enum, field, oneof,
// enum value or extension. The name is full, or a dotted suffix. Only one service or method
// may have the suffix; or only one of the messages, enums and extensions that the source knows
// without asking, or that are in a package of a service or around one. Methods may be written
// with a slash, and a leading dot is ignored.
//
// The error is a *NameError, an *UnknownError, an *AmbiguousError, or what the source failed
// with.
func FindSymbol(ctx context.Context, s Source, name string) (protoreflect.Descriptor, error) {
	full, err := parseSymbol(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := limitLookup(ctx, s)
	defer cancel()
	var missing error
	if full.Parent() != "" {
		d, err := s.Find(ctx, full)
		if err == nil {
			return d, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		missing = err
	}
	services, err := s.Services(ctx)
	if err != nil {
		if missing != nil && !isMore(missing) && !unheard(err) && ctx.Err() == nil {
			return nil, &UnknownError{Kind: KindSymbol, Name: string(full)}
		}
		return nil, err
	}
	if len(services) == 0 && missing != nil && isMore(missing) {
		return nil, missing
	}
	if missing != nil && slices.Contains(services, full) {
		return nil, listedFailure(full, missing)
	}
	if d, err := findBySuffix(ctx, s, services, full); d != nil || err != nil {
		return d, err
	}
	if d, err := findInPackages(ctx, s, services, full); d != nil || err != nil {
		return d, err
	}
	if missing == nil {
		// Without a package and not a service: it may still be a full name.
		var d protoreflect.Descriptor
		if d, missing = s.Find(ctx, full); missing == nil {
			return d, nil
		}
	}
	if hasReason(missing) {
		return nil, missing
	}
	return nil, unknownSymbol(ctx, s, services, full)
}

// hasReason reports whether an error says why a symbol was not found, rather than only that it
// was not.
func hasReason(err error) bool {
	return errors.As(err, new(*ReflectionError)) || errors.As(err, new(*SyntaxError)) ||
		errors.As(err, new(*ImportError)) || !errors.Is(err, ErrNotFound)
}

// FindAny is FindSymbol and, for a name that no symbol has, FindMethod: people may use the
// name of a method where symbols are named. Both share one limit.
func FindAny(ctx context.Context, s Source, name string) (protoreflect.Descriptor, error) {
	ctx, cancel := limitLookup(ctx, s)
	defer cancel()
	d, err := FindSymbol(ctx, s, name)
	if !errors.Is(err, ErrNotFound) || errors.As(err, new(*ReflectionError)) || ctx.Err() != nil {
		return d, err
	}
	m, merr := FindMethod(ctx, s, name)
	if merr == nil || errors.As(merr, new(*AmbiguousError)) {
		return m, merr
	}
	return nil, err
}

func parseSymbol(s string) (protoreflect.FullName, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(s, "/"), ".")
	if len(name) > symbol.MaxName {
		return "", &NameError{Name: s[:64] + "...", Reason: "too long"}
	}
	if before, after, ok := strings.Cut(name, "/"); ok {
		name = before + "." + after
	}
	full := protoreflect.FullName(name)
	switch {
	case name == "":
		return "", &NameError{Name: s, Reason: "empty"}
	case !full.IsValid():
		return "", &NameError{Name: s, Reason: "not the name of a symbol; one is written pkg.Name"}
	}
	return full, nil
}

// findBySuffix tries a name as a suffix of a service, of Service.Method, of a
// known symbol, and of a member of a known symbol. It returns nil, nil when
// nothing fits.
func findBySuffix(
	ctx context.Context, s Source, services []protoreflect.FullName, name protoreflect.FullName,
) (protoreflect.Descriptor, error) {
	all := services
	if e, ok := s.(enumerator); ok {
		all = append(slices.Clone(services), e.known()...)
		slices.Sort(all)
		all = slices.Compact(all)
	}
	// Whole symbols first, then what is inside of one: a method, field or value,
	// at most this deep.
	const maxInside = 8
	container, member := name, protoreflect.FullName("")
	for range maxInside {
		found, failed := findMembers(ctx, s, services, suffixMatches(all, container), member)
		switch {
		case len(found) == 1:
			return found[0], nil
		case len(found) > 1:
			return nil, ambiguous(string(name), found)
		case failed != nil:
			return nil, failed
		}
		parent := container.Parent()
		if parent == "" {
			break
		}
		member = joinMember(protoreflect.FullName(container.Name()), member)
		container = parent
	}
	return nil, nil
}

// maxPackages is how many packages a name is looked for in.
const maxPackages = 500

// findInPackages tries a name in the packages of the services and in those around them: a
// server that only answers questions about names cannot be searched in another way. It returns
// nil, nil when none has it.
func findInPackages(
	ctx context.Context, s Source, services []protoreflect.FullName, name protoreflect.FullName,
) (protoreflect.Descriptor, error) {
	var candidates []protoreflect.FullName
	seen := map[protoreflect.FullName]bool{}
	for _, service := range services {
		for pkg := service.Parent(); pkg != "" && !seen[pkg] && len(seen) < maxPackages; pkg = pkg.Parent() {
			seen[pkg] = true
			candidates = append(candidates, pkg+"."+name)
		}
	}
	if p, ok := s.(prefetcher); ok && len(candidates) > 1 {
		p.prefetch(ctx, candidates)
	}
	var found []protoreflect.Descriptor
	var failed error
	for _, c := range candidates {
		d, err := s.Find(ctx, c)
		switch {
		case err == nil:
			found = append(found, d)
		case ctx.Err() != nil:
			return nil, err
		case !errors.Is(err, ErrNotFound) && failed == nil:
			failed = err
		}
	}
	switch len(found) {
	case 0:
		return nil, failed
	case 1:
		return found[0], nil
	}
	return nil, ambiguous(string(name), found)
}

func joinMember(name, member protoreflect.FullName) protoreflect.FullName {
	if member == "" {
		return name
	}
	return name + "." + member
}

func ambiguous(name string, found []protoreflect.Descriptor) error {
	e := &AmbiguousError{Name: name}
	for _, d := range found {
		if m, ok := d.(protoreflect.MethodDescriptor); ok {
			e.Candidates = append(e.Candidates, invoke.MethodName(m))
		} else {
			e.Candidates = append(e.Candidates, string(d.FullName()))
		}
	}
	slices.Sort(e.Candidates)
	return e
}

// unknownSymbol makes the error for a name that nothing has, with near names from
// the services, from what is known, and from the members of the symbol that the
// name's beginning stands for.
func unknownSymbol(ctx context.Context, s Source, services []protoreflect.FullName, name protoreflect.FullName) error {
	candidates := asStrings(services)
	if e, ok := s.(enumerator); ok {
		candidates = append(candidates, asStrings(e.known())...)
	}
	if parent := name.Parent(); parent != "" {
		if d, err := s.Find(ctx, parent); err == nil {
			candidates = append(candidates, members(d)...)
		}
	}
	return &UnknownError{Kind: KindSymbol, Name: string(name), Near: nearest.Names(string(name), candidates, 3)}
}

// members returns the full names of what is declared in a symbol.
func members(d protoreflect.Descriptor) []string {
	var names []string
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		return methodNames(d)
	case protoreflect.EnumDescriptor:
		for i := range d.Values().Len() {
			names = append(names, string(d.FullName())+"."+string(d.Values().Get(i).Name()))
		}
	case protoreflect.MessageDescriptor:
		for i := range d.Fields().Len() {
			names = append(names, string(d.Fields().Get(i).FullName()))
		}
		for i := range d.Messages().Len() {
			names = append(names, string(d.Messages().Get(i).FullName()))
		}
		for i := range d.Enums().Len() {
			names = append(names, string(d.Enums().Get(i).FullName()))
		}
	}
	return names
}

// findMembers finds a member of each symbol, or the symbols themselves when it is "", and returns the
// first error that says more than that something is not there.
func findMembers(
	ctx context.Context, s Source, services, symbols []protoreflect.FullName, member protoreflect.FullName,
) (found []protoreflect.Descriptor, failed error) {
	for _, m := range symbols {
		d, err := s.Find(ctx, joinMember(m, member))
		if err != nil && member == "" && slices.Contains(services, m) {
			err = listedFailure(m, err)
		}
		if err == nil {
			found = append(found, d)
		} else if failed == nil && (!errors.Is(err, ErrNotFound) || member == "" && isMore(err)) {
			failed = err
		}
	}
	return found, failed
}
