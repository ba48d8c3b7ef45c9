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

// ParseMethod reads the name of a method as people write it: pkg.Service/Method,
// pkg.Service.Method, Service.Method, or Method, for which service is "". One
// leading slash or dot is ignored. The error is a *NameError.
func ParseMethod(s string) (service protoreflect.FullName, method protoreflect.Name, err error) {
	name := s
	if strings.HasPrefix(name, "/") || strings.HasPrefix(name, ".") {
		name = name[1:]
	}
	if len(name) > symbol.MaxName {
		return "", "", &NameError{Name: s[:64] + "...", Reason: "too long"}
	}
	cut := strings.LastIndexByte(name, '/')
	if cut < 0 {
		cut = strings.LastIndexByte(name, '.')
	}
	if cut >= 0 {
		service, method = protoreflect.FullName(name[:cut]), protoreflect.Name(name[cut+1:])
	} else {
		method = protoreflect.Name(name)
	}
	switch {
	case name == "":
		return "", "", &NameError{Name: s, Reason: "empty"}
	case cut >= 0 && !service.IsValid():
		return "", "", &NameError{Name: s, Reason: "what stands before the method is not the name of a service"}
	case !method.IsValid():
		return "", "", &NameError{Name: s, Reason: "not the name of a method; one is written pkg.Service/Method"}
	}
	return service, method, nil
}

// FindMethod returns the method that a name stands for: any dotted suffix of its
// full name that no other method has. A service that is given with its package
// costs one lookup; one without is searched for in the list of services; and a
// method alone, in every service.
//
// The error is a *NameError, an *UnknownError, an *AmbiguousError, a
// *DescriptorError for a method that cannot be called because a type that it
// needs is not described, or what the source failed with.
func FindMethod(ctx context.Context, s Source, name string) (protoreflect.MethodDescriptor, error) {
	service, method, err := ParseMethod(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := limitLookup(ctx, s)
	defer cancel()
	q := &methodQuery{source: s, typed: name, service: service, method: method}
	m, err := q.find(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkMethod(s, m); err != nil {
		return nil, err
	}
	return m, nil
}

// methodQuery is one search for a method.
type methodQuery struct {
	source  Source
	typed   string
	service protoreflect.FullName
	method  protoreflect.Name
	others  []string // methods that were seen and have another name, for suggestions
}

func (q *methodQuery) find(ctx context.Context) (protoreflect.MethodDescriptor, error) {
	var missing error
	if q.service.Parent() != "" {
		sd, err := findService(ctx, q.source, q.service)
		if err == nil {
			return q.inServices([]protoreflect.ServiceDescriptor{sd})
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		missing = err
	}
	services, err := q.source.Services(ctx)
	if err != nil {
		return q.unlisted(ctx, missing, err)
	}
	if len(services) == 0 && missing != nil && isMore(missing) {
		return nil, missing
	}
	if missing != nil && slices.Contains(services, q.service) {
		return nil, listedFailure(q.service, missing)
	}
	matches := suffixMatches(services, q.service)
	if len(matches) == 0 {
		return q.unknownService(ctx, services)
	}
	found, err := q.load(ctx, matches)
	if err != nil {
		return nil, err
	}
	return q.inServices(found)
}

var errNoDescriptor = errors.New("the service is listed and has no descriptor")

// listedFailure is the error for a service that is listed and could not be found.
func listedFailure(service protoreflect.FullName, why error) error {
	if isMore(why) || !errors.Is(why, ErrNotFound) {
		return why
	}
	return &DescriptorError{Symbol: string(service), Err: errNoDescriptor}
}

// isMore reports whether an error says more than that a name is missing.
func isMore(err error) bool {
	var pm *partlyMissing
	return errors.As(err, &pm)
}

// unlisted handles a source that cannot list its services: it returns the error for what is
// missing, or looks up a service without a package by that name.
func (q *methodQuery) unlisted(ctx context.Context, missing, listErr error) (protoreflect.MethodDescriptor, error) {
	if missing != nil {
		if isMore(missing) || unheard(listErr) || ctx.Err() != nil {
			return nil, listErr
		}
		return nil, &UnknownError{Kind: KindService, Name: string(q.service)}
	}
	if q.service == "" {
		return nil, listErr
	}
	sd, err := findService(ctx, q.source, q.service)
	if err != nil {
		return nil, listErr
	}
	return q.inServices([]protoreflect.ServiceDescriptor{sd})
}

// unheard reports whether an error means that nobody answered.
func unheard(err error) bool {
	var re *ReflectionError
	return errors.As(err, &re) && re.Status.Origin != invoke.OriginServer
}

// suffixMatches returns the names that are equal to want or end in it after a
// dot; only the equal one, if there is one; and all for "".
func suffixMatches(names []protoreflect.FullName, want protoreflect.FullName) []protoreflect.FullName {
	if want == "" {
		return names
	}
	if slices.Contains(names, want) {
		return []protoreflect.FullName{want}
	}
	var found []protoreflect.FullName
	for _, n := range names {
		if strings.HasSuffix(string(n), "."+string(want)) {
			found = append(found, n)
		}
	}
	return found
}

// load returns the descriptors of services. When there are several, it does not build those
// that are known to have no such method, and one without a descriptor does not spoil the
// others.
func (q *methodQuery) load(
	ctx context.Context, names []protoreflect.FullName,
) ([]protoreflect.ServiceDescriptor, error) {
	if p, ok := q.source.(prefetcher); ok && len(names) > 1 {
		p.prefetch(ctx, names)
	}
	lister, _ := q.source.(methodLister)
	var found []protoreflect.ServiceDescriptor
	var failed error
	for _, n := range names {
		if lister != nil && len(names) > 1 {
			if methods, ok := lister.methodNames(n); ok && !slices.Contains(methods, q.method) {
				for _, m := range methods {
					q.others = append(q.others, string(n)+"/"+string(m))
				}
				continue
			}
		}
		sd, err := findService(ctx, q.source, n)
		if err == nil {
			found = append(found, sd)
			continue
		}
		err = listedFailure(n, err)
		var broken *DescriptorError
		if !errors.As(err, &broken) {
			return nil, err
		}
		if failed == nil {
			failed = err
		}
	}
	if len(found) == 0 && len(q.others) == 0 && failed != nil {
		return nil, failed
	}
	return found, nil
}

// inServices picks the method from the services that it may be in.
func (q *methodQuery) inServices(services []protoreflect.ServiceDescriptor) (protoreflect.MethodDescriptor, error) {
	var found []protoreflect.MethodDescriptor
	for _, sd := range services {
		if m := sd.Methods().ByName(q.method); m != nil {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, q.unknownMethod(services)
	}
	e := &AmbiguousError{Name: q.typed}
	for _, m := range found {
		e.Candidates = append(e.Candidates, invoke.MethodName(m))
	}
	slices.Sort(e.Candidates)
	return nil, e
}

func (q *methodQuery) unknownMethod(services []protoreflect.ServiceDescriptor) error {
	e := &UnknownError{Kind: KindMethod, Name: string(q.method)}
	if len(services) == 1 && len(q.others) == 0 {
		e.In = string(services[0].FullName())
	} else if q.service != "" {
		e.Name = string(q.service) + "/" + e.Name
	}
	names := q.others
	for _, sd := range services {
		names = append(names, methodNames(sd)...)
	}
	e.Near = nearest.Names(string(q.method), names, 3)
	return e
}

func methodNames(sd protoreflect.ServiceDescriptor) []string {
	names := make([]string, 0, sd.Methods().Len())
	for i := range sd.Methods().Len() {
		names = append(names, invoke.MethodName(sd.Methods().Get(i)))
	}
	return names
}

// unknownService handles a service that is not in the list. Perhaps the whole
// name is that of a service, and the method is missing from it.
func (q *methodQuery) unknownService(
	ctx context.Context, services []protoreflect.FullName,
) (protoreflect.MethodDescriptor, error) {
	if q.service == "" {
		return nil, &UnknownError{Kind: KindMethod, Name: string(q.method)}
	}
	whole := symbol.Join(q.service, string(q.method))
	if matches := suffixMatches(services, whole); len(matches) == 1 {
		e := &UnknownError{Kind: KindMethod, In: string(matches[0])}
		if sd, err := findService(ctx, q.source, matches[0]); err == nil {
			e.Near = methodNames(sd)
			e.Near = e.Near[:min(len(e.Near), 3)]
		}
		return nil, e
	}
	return nil, &UnknownError{
		Kind: KindService, Name: string(q.service),
		Near: nearest.Names(string(q.service), asStrings(services), 3),
	}
}

func asStrings(names []protoreflect.FullName) []string {
	s := make([]string, len(names))
	for i, n := range names {
		s[i] = string(n)
	}
	return s
}

// findService looks up a symbol that has to be a service.
func findService(ctx context.Context, s Source, name protoreflect.FullName) (protoreflect.ServiceDescriptor, error) {
	d, err := s.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, &UnknownError{Kind: KindService, Name: string(name)}
	}
	return sd, nil
}

// Nearest returns at most max of the candidates that are near to a mistyped name, the nearest
// first.
func Nearest(name string, candidates []string, max int) []string {
	return nearest.Names(name, candidates, max)
}
