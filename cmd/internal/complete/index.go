// Package complete finds what a word that is being typed may become, from a schema: the name of a
// method, a field of its request, a value. It asks nobody: it runs at each key.
package complete

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/repl"
)

// An Index is the names of a schema, made ready to be searched at each key. It is not changed
// once it is made.
type Index struct {
	Services []Entry
	Methods  []Entry
	ByName   map[string]*Entry // methods by every suffix of their names; nil where several share it
	types    invoke.Types
	Secrets  map[string]struct{} // names of fields with the option debug_redact
	Known    MessageTypes
}

// An Entry is a name, and what a search compares.
type Entry struct {
	Full   string // pkg.Service.Method
	short  string // Service.Method, or the last part of a service
	last   string
	low    string // full, in lower case
	humps  string // the capitals of last, in lower case
	Typed  string // a method as it is written in the shell: its name alone where that is enough
	Method protoreflect.MethodDescriptor
}

// NewIndex reads all services. One that cannot be read is left out: a server may be broken in
// one place and of use in others.
func NewIndex(ctx context.Context, source discovery.Source, types invoke.Types) (*Index, error) {
	services, err := source.Services(ctx)
	if err != nil {
		return nil, err
	}
	ix := &Index{types: types, ByName: map[string]*Entry{}, Secrets: map[string]struct{}{}, Known: MessageTypes{}}
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
		ix.Services = append(ix.Services, NewEntry(string(name), string(svc.Name()), nil))
		ix.Known.Add(svc.ParentFile(), files)
		for i := range svc.Methods().Len() {
			m := svc.Methods().Get(i)
			ix.Methods = append(ix.Methods, NewEntry(string(m.FullName()), string(svc.Name())+"."+string(m.Name()), m))
			ix.findSecrets(m.Input(), seen)
		}
	}
	for _, entries := range [][]Entry{ix.Services, ix.Methods} {
		slices.SortFunc(entries, func(a, b Entry) int {
			return cmp.Or(len(a.last)-len(b.last), strings.Compare(a.Full, b.Full))
		})
	}
	ix.NameEnds()
	return ix, nil
}

// NameEnds records which method each suffix of a name stands for. A suffix that a method
// shares with gRPC's own services, such as health, stands for the method. A full name always
// stands for itself.
func (ix *Index) NameEnds() {
	for i := range ix.Methods {
		e := &ix.Methods[i]
		for name := e.Full; ; {
			known, taken := ix.ByName[name]
			switch {
			case !taken || known != nil && OfProtocol(known.Full) && !OfProtocol(e.Full):
				ix.ByName[name] = e
			case known != nil && OfProtocol(e.Full) && !OfProtocol(known.Full):
			default:
				ix.ByName[name] = nil
			}
			_, rest, more := strings.Cut(name, ".")
			if !more {
				break
			}
			name = rest
		}
	}
	for i := range ix.Methods {
		e := &ix.Methods[i]
		ix.ByName[e.Full] = e
		for _, name := range []string{e.Full, e.short, e.last} {
			if ix.ByName[name] == e {
				e.Typed = name
			}
		}
	}
}

// NewEntry returns the entry of a name. m is nil for what is no method.
func NewEntry(full, short string, m protoreflect.MethodDescriptor) Entry {
	last := full[strings.LastIndexByte(full, '.')+1:]
	var humps strings.Builder
	for _, r := range last {
		if unicode.IsUpper(r) {
			humps.WriteRune(unicode.ToLower(r))
		}
	}
	return Entry{Full: full, short: short, last: last, low: strings.ToLower(full), humps: humps.String(), Method: m}
}

// findSecrets notes the fields whose values are not to be shown in debugging output.
func (ix *Index) findSecrets(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[md.FullName()] {
		return
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		f := md.Fields().Get(i)
		if o, ok := f.Options().(*descriptorpb.FieldOptions); ok && o.GetDebugRedact() {
			ix.Secrets[string(f.Name())] = struct{}{}
			ix.Secrets[f.JSONName()] = struct{}{}
		}
		if sub := f.Message(); sub != nil {
			ix.findSecrets(sub, seen)
		}
	}
}

// SecretField reports whether the values of fields with a name must not be stored.
func (ix *Index) SecretField(name string) bool {
	if ix == nil {
		return false
	}
	_, ok := ix.Secrets[name]
	return ok
}

// Messages are the messages that are known.
func (ix *Index) Messages() MessageTypes {
	if ix == nil {
		return nil
	}
	return ix.Known
}

// Resolver finds the types of extensions and of Anys.
func (ix *Index) Resolver() invoke.Types {
	if ix == nil {
		return nil
	}
	return ix.types
}

// Method returns the method that a name stands for: its full name, or a suffix that only one
// method has, the services of gRPC itself aside.
func (ix *Index) Method(name string) *Entry {
	if ix == nil {
		return nil
	}
	return ix.ByName[strings.ReplaceAll(name, "/", ".")]
}

// How well a name matches a query: less is better.
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
func (e *Entry) rank(query, dotted string) int {
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

// A Hit is an entry that matches a query.
type Hit struct {
	*Entry
	rank int
}

// Search returns the entries that match a query best, at most limit of them, and how many more
// match. entries are in the order for equal matches, the shorter first. When no entry matches,
// those that are spelled alike do.
func Search(entries []Entry, query string, limit int) (hits []Hit, more int) {
	query = strings.ToLower(strings.ReplaceAll(query, "/", "."))
	dotted := "." + query
	var byRank [noMatch][]Hit
	total := [noMatch]int{}
	for i := range entries {
		r := entries[i].rank(query, dotted)
		if r == noMatch {
			continue
		}
		if total[r]++; len(byRank[r]) < limit {
			byRank[r] = append(byRank[r], Hit{&entries[i], r})
		}
	}
	count := 0
	for r := range byRank {
		// Names that merely contain the text are left out when others begin with it.
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
func nearby(entries []Entry, query string) []Hit {
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].Full
	}
	near := discovery.Nearest(query, names, 3)
	var hits []Hit
	for i := range entries {
		if slices.Contains(near, entries[i].Full) {
			hits = append(hits, Hit{&entries[i], nearly})
		}
	}
	return hits
}

// Comment is the first sentence of a descriptor's comment.
func Comment(d protoreflect.Descriptor) string {
	text := strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
	text = strings.Join(strings.Fields(text), " ")
	if i := strings.Index(text, ". "); i >= 0 {
		text = text[:i+1]
	}
	return formatters.CleanLine(text)
}

// Signature is what a method takes and gives.
func Signature(m protoreflect.MethodDescriptor, arrow string) string {
	stream := func(yes bool) string {
		if yes {
			return "stream "
		}
		return ""
	}
	return stream(m.IsStreamingClient()) + string(m.Input().Name()) + arrow + stream(m.IsStreamingServer()) +
		string(m.Output().Name())
}

// AppendMatch appends a candidate that begins with what was typed.
func AppendMatch(items []repl.Candidate, prefix, text, about string) []repl.Candidate {
	if strings.HasPrefix(text, prefix) {
		items = append(items, repl.Candidate{Text: text, About: about})
	}
	return items
}

// CandidateMax is how many candidates are worth sorting.
const CandidateMax = 100

// ServiceNames returns the services that a text may stand for.
func (ix *Index) ServiceNames(text string) []repl.Candidate {
	if ix == nil {
		return nil
	}
	var items []repl.Candidate
	hits, _ := Search(ix.Services, text, CandidateMax)
	for _, h := range hits {
		items = append(items, repl.Candidate{Text: h.Full, About: "service"})
	}
	return items
}

// OfProtocol reports whether the name of a method is that of a service that gRPC defines, such as
// health and reflection.
func OfProtocol(name string) bool { return strings.HasPrefix(name, "grpc.") }

// AsNames returns names as text.
func AsNames(names []protoreflect.FullName) []string {
	texts := make([]string, len(names))
	for i, n := range names {
		texts[i] = string(n)
	}
	return texts
}
