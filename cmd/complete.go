package cmd

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// An index is the names of a schema, made ready to be searched at each key. It is not changed
// once it is made.
type index struct {
	services []entry
	methods  []entry
	byName   map[string]*entry // methods, by every end of their names; nil where several have it
	types    invoke.Types
	secrets  map[string]struct{} // names of fields with the option debug_redact
	known    messageTypes
}

// An entry is a name, and what a search compares.
type entry struct {
	full   string // pkg.Service.Method
	short  string // Service.Method, or the last part of a service
	last   string
	low    string // full, in lower case
	humps  string // the capitals of last, in lower case
	typed  string // a method as it is written in the shell: its name alone where that is enough
	method protoreflect.MethodDescriptor
}

// newIndex reads all services. One that can not be read is left out: a server may be broken in
// one place and of use in others.
func newIndex(ctx context.Context, source discovery.Source, types invoke.Types) (*index, error) {
	services, err := source.Services(ctx)
	if err != nil {
		return nil, err
	}
	ix := &index{types: types, byName: map[string]*entry{}, secrets: map[string]struct{}{}, known: messageTypes{}}
	seen, files := map[protoreflect.FullName]bool{}, map[string]bool{}
	for _, name := range services {
		d, err := source.Find(ctx, name)
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		svc, ok := d.(protoreflect.ServiceDescriptor)
		if err != nil || !ok {
			continue
		}
		ix.services = append(ix.services, newEntry(string(name), string(svc.Name()), nil))
		ix.known.add(svc.ParentFile(), files)
		for i := range svc.Methods().Len() {
			m := svc.Methods().Get(i)
			ix.methods = append(ix.methods, newEntry(string(m.FullName()), string(svc.Name())+"."+string(m.Name()), m))
			ix.findSecrets(m.Input(), seen)
		}
	}
	for _, entries := range [][]entry{ix.services, ix.methods} {
		slices.SortFunc(entries, func(a, b entry) int {
			return cmp.Or(len(a.last)-len(b.last), strings.Compare(a.full, b.full))
		})
	}
	ix.nameEnds()
	return ix, nil
}

// nameEnds notes which method every end of a name stands for. What the protocol's own services
// share with one other method is the other's; a full name is always its own.
func (ix *index) nameEnds() {
	for i := range ix.methods {
		e := &ix.methods[i]
		for name := e.full; ; {
			known, taken := ix.byName[name]
			switch {
			case !taken || known != nil && ofProtocol(known.full) && !ofProtocol(e.full):
				ix.byName[name] = e
			case known != nil && ofProtocol(e.full) && !ofProtocol(known.full):
			default:
				ix.byName[name] = nil
			}
			_, rest, more := strings.Cut(name, ".")
			if !more {
				break
			}
			name = rest
		}
	}
	for i := range ix.methods {
		e := &ix.methods[i]
		ix.byName[e.full] = e
		for _, name := range []string{e.full, e.short, e.last} {
			if ix.byName[name] == e {
				e.typed = name
			}
		}
	}
}

func newEntry(full, short string, m protoreflect.MethodDescriptor) entry {
	last := full[strings.LastIndexByte(full, '.')+1:]
	var humps strings.Builder
	for _, r := range last {
		if unicode.IsUpper(r) {
			humps.WriteRune(unicode.ToLower(r))
		}
	}
	return entry{full: full, short: short, last: last, low: strings.ToLower(full), humps: humps.String(), method: m}
}

// findSecrets notes the fields whose values are not to be shown in debugging output.
func (ix *index) findSecrets(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[md.FullName()] {
		return
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if o, ok := f.Options().(*descriptorpb.FieldOptions); ok && o.GetDebugRedact() {
			ix.secrets[string(f.Name())] = struct{}{}
			ix.secrets[f.JSONName()] = struct{}{}
		}
		if sub := f.Message(); sub != nil {
			ix.findSecrets(sub, seen)
		}
	}
}

// secretField tells of the name of a field that its values are not to be stored.
func (ix *index) secretField(name string) bool {
	if ix == nil {
		return false
	}
	_, ok := ix.secrets[name]
	return ok
}

// messages are the messages that are known.
func (ix *index) messages() messageTypes {
	if ix == nil {
		return nil
	}
	return ix.known
}

// resolver finds the types of extensions and of Anys.
func (ix *index) resolver() invoke.Types {
	if ix == nil {
		return nil
	}
	return ix.types
}

// method returns the method that a name stands for: its full name, or an end of it that only
// one method has, not counting those of the protocol's own services.
func (ix *index) method(name string) *entry {
	if ix == nil {
		return nil
	}
	return ix.byName[strings.ReplaceAll(name, "/", ".")]
}

// How well a name answers a query; less is better, and noMatch is none.
const (
	exact = iota
	prefixOfLast
	prefixOfFull
	prefixOfPart
	humpsMatch
	inside
	nearly
	noMatch // also the number of ranks
)

// rank compares an entry with a query in lower case, which is also given with a dot before it.
func (e *entry) rank(query, dotted string) int {
	last := e.low[len(e.low)-len(e.last):]
	switch {
	case query == last || query == e.low:
		return exact
	case strings.HasPrefix(last, query):
		return prefixOfLast
	case strings.HasPrefix(e.low, query):
		return prefixOfFull
	case strings.Contains(e.low, dotted):
		return prefixOfPart
	case len(query) > 1 && strings.HasPrefix(e.humps, query):
		return humpsMatch
	case strings.Contains(e.low, query):
		return inside
	}
	return noMatch
}

// A hit is an entry that answers a query.
type hit struct {
	*entry
	rank int
}

// search returns the entries that answer a query best, at most limit of them, and how many
// others do. Entries are sorted as equal answers are to be: the shorter first. Slips are forgiven
// when nothing else answers.
func search(entries []entry, query string, limit int) (hits []hit, more int) {
	query = strings.ToLower(strings.ReplaceAll(query, "/", "."))
	dotted := "." + query
	var byRank [noMatch][]hit
	total := [noMatch]int{}
	for i := range entries {
		r := entries[i].rank(query, dotted)
		if r == noMatch {
			continue
		}
		if total[r]++; len(byRank[r]) < limit {
			byRank[r] = append(byRank[r], hit{&entries[i], r})
		}
	}
	count := 0
	for r := range byRank {
		// What only contains the text somewhere is of no interest where something begins with it.
		if r > humpsMatch && count > 0 {
			break
		}
		count += total[r]
		hits = append(hits, byRank[r][:min(len(byRank[r]), limit-len(hits))]...)
	}
	if count == 0 && len(query) > 2 {
		hits = nearby(entries, query)
		count = len(hits)
	}
	return hits, count - len(hits)
}

// nearby are the entries that a mistyped query may have meant.
func nearby(entries []entry, query string) []hit {
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].full
	}
	near := discovery.Nearest(query, names, 3)
	var hits []hit
	for i := range entries {
		if slices.Contains(near, entries[i].full) {
			hits = append(hits, hit{&entries[i], nearly})
		}
	}
	return hits
}

// comment is the first sentence of a descriptor's comment.
func comment(d protoreflect.Descriptor) string {
	text := strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
	text = strings.Join(strings.Fields(text), " ")
	if i := strings.Index(text, ". "); i >= 0 {
		text = text[:i+1]
	}
	return formatters.CleanLine(text)
}

// signature is what a method takes and gives.
func signature(m protoreflect.MethodDescriptor, arrow string) string {
	stream := func(yes bool) string {
		if yes {
			return "stream "
		}
		return ""
	}
	return stream(m.IsStreamingClient()) + string(m.Input().Name()) + arrow + stream(m.IsStreamingServer()) + string(m.Output().Name())
}
