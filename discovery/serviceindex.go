package discovery

import (
	"bytes"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A serviceIndex is the names of a server's services, and of the methods of those
// that were looked at.
type serviceIndex struct {
	services []protoreflect.FullName
	methods  map[protoreflect.FullName][]protoreflect.Name
}

// A methodTeller returns the methods of services that it has, without asking.
type methodTeller interface {
	methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool)
}

// newServiceIndex takes the methods of each service from the first teller that has them.
func newServiceIndex(services []protoreflect.FullName, from methodTeller, old *serviceIndex) *serviceIndex {
	x := &serviceIndex{services: services, methods: map[protoreflect.FullName][]protoreflect.Name{}}
	for _, s := range services {
		methods, ok := from.methodNames(s)
		if !ok && old != nil {
			methods, ok = old.methods[s]
		}
		if ok {
			x.methods[s] = methods
		}
	}
	return x
}

// format writes the index: a line for each service, with its methods behind it. A
// service that was not looked at ends in a question mark.
func (x *serviceIndex) format() []byte {
	var b bytes.Buffer
	for _, s := range x.services {
		b.WriteString(string(s))
		methods, known := x.methods[s]
		if !known {
			b.WriteString(" ?")
		}
		for _, m := range methods {
			b.WriteByte(' ')
			b.WriteString(string(m))
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// parseServiceIndex reads what format writes. Invalid names are left out.
func parseServiceIndex(data []byte) *serviceIndex {
	x := &serviceIndex{methods: map[protoreflect.FullName][]protoreflect.Name{}}
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		service := protoreflect.FullName(words[0])
		if !symbol.Valid(service) {
			continue
		}
		x.services = append(x.services, service)
		if len(words) > 1 && words[1] == "?" {
			continue
		}
		methods := make([]protoreflect.Name, 0, len(words)-1)
		for _, w := range words[1:] {
			if m := protoreflect.Name(w); symbol.Valid(m) {
				methods = append(methods, m)
			}
		}
		x.methods[service] = methods
	}
	return x
}

// lists reports whether data, which format wrote, is of these services.
func lists(data []byte, services []protoreflect.FullName) bool {
	for line := range bytes.Lines(data) {
		service, _, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		if len(services) == 0 || string(service) != string(services[0]) {
			return false
		}
		services = services[1:]
	}
	return len(services) == 0
}

// parseNames reads full names, one a line.
func parseNames(data []byte) []protoreflect.FullName {
	var names []protoreflect.FullName
	for line := range strings.Lines(string(data)) {
		if n := protoreflect.FullName(strings.TrimSpace(line)); symbol.Valid(n) {
			names = append(names, n)
		}
	}
	return names
}

func formatNames(names []protoreflect.FullName) []byte {
	var b bytes.Buffer
	for _, n := range names {
		b.WriteString(string(n))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// saveIndex keeps the names of services, methods and types that are known.
func (r *Remembered) saveIndex() {
	var old *serviceIndex
	services, ok := r.live.cachedServices()
	if data, known := r.get(keyServices); known {
		r.mu.Lock()
		learned := r.learned
		r.mu.Unlock()
		if ok && !learned && lists(data, services) {
			r.store.Touch(keyServices, r.now())
			return
		}
		old = parseServiceIndex(data)
	}
	switch {
	case ok:
	case old != nil:
		services = old.services
	default:
		return
	}
	r.put(keyServices, newServiceIndex(services, r.live, old).format())
	if types := r.live.known(); len(types) > 0 {
		if data, known := r.get(keyTypes); known && len(data) > len(formatNames(types)) {
			return // more was looked at before
		}
		r.put(keyTypes, formatNames(types))
	}
}

// put keeps data, unless the store has the same.
func (r *Remembered) put(key string, data []byte) {
	if old, _, ok := r.store.Get(key); ok && bytes.Equal(old, data) {
		r.store.Touch(key, r.now())
		return
	}
	// A store that cannot be written to lacks the entry.
	_ = r.store.Put(key, data)
}
