package transcode

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// maxDepth bounds how deeply messages nest, in both directions. It is the limit that
// protobuf-go sets itself on the wire.
const maxDepth = protowire.DefaultRecursionLimit

// A shape says how a field's occurrences on the wire make its value.
type shape uint8

const (
	scalarShape  shape = iota // the last one is the value
	messageShape              // all of them together are the message
	listShape                 // each one is an element, or several when packed
	mapShape                  // each one is an entry; the last one of a key counts
)

// A plan is what both directions know of one message type. It does not change once it is made,
// except that pointers to other plans are filled in when they are first needed.
type plan struct {
	set    *planSet
	md     protoreflect.MessageDescriptor
	known  wellKnown
	fields []*field // by declaration, which is the order of the JSON
	dense  []*field // by number, for the small ones
	sparse map[protowire.Number]*field
	oneofs int

	messageSet bool // has no JSON form

	extendable bool
	exts       atomic.Pointer[extensions]

	names map[string]*field // what a JSON key may be; nil in an encoder's
}

// extensions are those of one message type that were needed so far. The value is never
// changed, only replaced.
type extensions struct {
	byNumber map[protowire.Number]*field // nil for a number that has none
	list     []*field                    // in the order of their use; field i has the index len(plan.fields)+i
}

// A field is a plan's field, a map's key or value, or an extension.
type field struct {
	fd    protoreflect.FieldDescriptor
	name  string // as in the .proto file
	json  string // as the JSON key
	key   []byte // the JSON key as it is written, with its separators; nil in a decoder's
	owner *plan
	index int32 // place in the JSON
	num   protowire.Number
	kind  protoreflect.Kind
	wire  protowire.Type // of one value
	shape shape
	oneof int32 // index of its oneof, or -1

	packable bool // may come packed
	packed   bool // is to be sent packed
	presence bool // its zero value is worth printing
	utf8     bool // must be valid UTF-8
	null     bool // is a google.protobuf.NullValue
	shadowed bool // another field has its JSON name

	tag []byte // of one value, or of all when packed; nil in an encoder's

	sub         atomic.Pointer[plan]
	enum        atomic.Pointer[enumPlan]
	mapKey      *field
	mapValue    *field
	defaultBits uint64 // of an enum, whose first value may not be zero
}

// A planSet makes plans and keeps them, one for each descriptor, for one encoder or
// decoder. It is safe for concurrent use.
type planSet struct {
	types      Types
	protoNames bool
	spaced     bool // a space after a key's colon, and no comma before it
	reads      bool // JSON is read, not printed

	mu       sync.Mutex
	messages map[protoreflect.MessageDescriptor]*plan
	enums    map[protoreflect.EnumDescriptor]*enumPlan

	// urls holds the plans of type URLs, nil where there is none. It is replaced, never changed.
	urls atomic.Pointer[map[string]*plan]
}

// maxURLs bounds how many type URLs, and how many numbers of one message's extensions, are
// remembered, since they come from outside.
const maxURLs = 256

func newPlanSet(types Types) *planSet {
	return &planSet{
		types:    types,
		messages: make(map[protoreflect.MessageDescriptor]*plan),
		enums:    make(map[protoreflect.EnumDescriptor]*enumPlan),
	}
}

// plan returns the plan of md.
func (ps *planSet) plan(md protoreflect.MessageDescriptor) *plan {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p := ps.messages[md]; p != nil {
		return p
	}
	p := ps.newPlan(md)
	ps.messages[md] = p
	return p
}

// byURL returns the plan of the message that a google.protobuf.Any names, or nil when it is
// not known. A type that is not known stays so for the life of the plan set: a resolver may
// ask a server, and a stream may name the same type in each message.
func (ps *planSet) byURL(url []byte) *plan {
	known := ps.urls.Load()
	if known != nil {
		if p, ok := (*known)[string(url)]; ok {
			return p
		}
	}
	s := string(url)
	mt, err := ps.types.FindMessageByURL(s)
	var p *plan
	if err == nil {
		p = ps.plan(mt.Descriptor())
	} else if !errors.Is(err, protoregistry.NotFound) {
		return nil // perhaps known the next time
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	grown := make(map[string]*plan)
	if known = ps.urls.Load(); known != nil {
		if len(*known) >= maxURLs {
			return p
		}
		maps.Copy(grown, *known)
	}
	grown[s] = p
	ps.urls.Store(&grown)
	return p
}

func (ps *planSet) newPlan(md protoreflect.MessageDescriptor) *plan {
	fds := md.Fields()
	p := &plan{
		set:        ps,
		md:         md,
		known:      wellKnownOf(md),
		fields:     make([]*field, fds.Len()),
		oneofs:     md.Oneofs().Len(),
		extendable: md.ExtensionRanges().Len() > 0,
	}
	if ms, ok := md.(interface{ IsMessageSet() bool }); ok {
		p.messageSet = ms.IsMessageSet()
	}
	// A table by number is worth its memory while most of it is used; 64 bounds the waste for
	// a message of one field.
	limit := protowire.Number(4*fds.Len() + 64)
	var top protowire.Number
	all := make([]field, fds.Len())
	for i := range p.fields {
		f := &all[i]
		ps.fill(f, p, fds.Get(i), int32(i))
		p.fields[i] = f
		if f.num <= limit {
			top = max(top, f.num)
		}
	}
	p.dense = make([]*field, top+1)
	for _, f := range p.fields {
		if f.num <= top {
			p.dense[f.num] = f
			continue
		}
		if p.sparse == nil {
			p.sparse = make(map[protowire.Number]*field)
		}
		p.sparse[f.num] = f
	}
	if ps.reads {
		p.makeNames()
	}
	return p
}

// fill makes f the field of the descriptor fd.
func (ps *planSet) fill(f *field, owner *plan, fd protoreflect.FieldDescriptor, index int32) {
	f.fd, f.owner, f.index = fd, owner, index
	f.name, f.json = fd.TextName(), fd.JSONName()
	f.num, f.kind = fd.Number(), fd.Kind()
	f.wire = wireType(f.kind)
	f.oneof = -1
	f.presence = fd.HasPresence()
	f.utf8 = enforcesUTF8(fd)
	if o := fd.ContainingOneof(); o != nil {
		f.oneof = int32(o.Index())
	}
	if !ps.reads {
		key := f.json
		if ps.protoNames {
			key = f.name
		}
		f.key = ps.appendKey(key)
	}
	if ed := fd.Enum(); ed != nil {
		f.null = ed.FullName() == "google.protobuf.NullValue"
		if vs := ed.Values(); vs.Len() > 0 { // none when the enum could not be resolved
			f.defaultBits = uint64(int64(vs.Get(0).Number()))
		}
	}
	switch {
	case fd.IsMap():
		f.shape = mapShape
		f.mapKey, f.mapValue = new(field), new(field)
		ps.fill(f.mapKey, owner, fd.MapKey(), 0)
		ps.fill(f.mapValue, owner, fd.MapValue(), 1)
		// Both are there even when they are zero, whatever the syntax.
		f.mapKey.presence, f.mapValue.presence = true, true
	case fd.IsList():
		f.shape = listShape
		f.packable = f.wire != protowire.BytesType && f.wire != protowire.StartGroupType
		f.packed = fd.IsPacked()
	case fd.Message() != nil:
		f.shape = messageShape
	}
	if ps.reads {
		wt := f.wire
		if f.packed {
			wt = protowire.BytesType
		}
		f.tag = protowire.AppendTag(nil, f.num, wt)
	}
}

// appendKey returns a JSON key as it is written: `,"a":` in a line, `"a": ` when spaced.
func (ps *planSet) appendKey(key string) []byte {
	b := make([]byte, 0, len(key)+5)
	if !ps.spaced {
		b = append(b, ',')
	}
	b = appendQuoted(b, key)
	b = append(b, ':')
	if ps.spaced {
		b = append(b, ' ')
	}
	return b
}

// small returns the field of a small number, or nil.
func (p *plan) small(num protowire.Number) *field {
	if int(num) < len(p.dense) {
		return p.dense[num]
	}
	return nil
}

// follows reports whether the field with the index next may stand after the one with the index
// last in the JSON. It does not know the order of extensions.
func (p *plan) follows(last, next int32) bool {
	return next >= last && int(next) <= len(p.fields)
}

// takesPacked reports whether the field takes a value of the wire type wt, which is not its
// own: a list takes both packed and single elements, whatever its declaration. With any other
// wire type a field is unknown, and an empty packed list adds nothing.
func (f *field) takesPacked(wt protowire.Type, empty bool) bool {
	return f.packable && wt == protowire.BytesType && !empty
}

// byNumber returns the field with the number num, looking among the extensions too, or nil.
func (p *plan) byNumber(num protowire.Number) *field {
	if int(num) < len(p.dense) {
		if f := p.dense[num]; f != nil {
			return f
		}
	} else if f := p.sparse[num]; f != nil {
		return f
	}
	if !p.extendable || !p.md.ExtensionRanges().Has(num) {
		return nil
	}
	if x := p.exts.Load(); x != nil {
		if f, ok := x.byNumber[num]; ok {
			return f
		}
	}
	xt, err := p.set.types.FindExtensionByNumber(p.md.FullName(), num)
	if err != nil {
		// It is not known, or cannot be found out now: it is an unknown field, which never
		// stops the output.
		if errors.Is(err, protoregistry.NotFound) {
			p.noteMissing(num)
		}
		return nil
	}
	return p.extension(xt.TypeDescriptor())
}

// noteMissing remembers that no extension has the number num, as byURL does it for types.
func (p *plan) noteMissing(num protowire.Number) {
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	if x := p.exts.Load(); x == nil || len(x.byNumber) < maxURLs {
		grown := x.grow()
		grown.byNumber[num] = nil
		p.exts.Store(grown)
	}
}

// grow returns a copy of x, which may be nil, that can be added to.
func (x *extensions) grow() *extensions {
	grown := &extensions{byNumber: make(map[protowire.Number]*field)}
	if x != nil {
		maps.Copy(grown.byNumber, x.byNumber)
		grown.list = append(grown.list, x.list...)
	}
	return grown
}

// extension returns the field of the extension xd, or nil when it does not extend p's message.
func (p *plan) extension(xd protoreflect.FieldDescriptor) *field {
	if xd.ContainingMessage().FullName() != p.md.FullName() || !p.md.ExtensionRanges().Has(xd.Number()) {
		return nil
	}
	p.set.mu.Lock()
	defer p.set.mu.Unlock()
	x := p.exts.Load()
	if x != nil {
		if f := x.byNumber[xd.Number()]; f != nil {
			return f
		}
	}
	grown := x.grow()
	f := new(field)
	p.set.fill(f, p, xd, int32(len(p.fields)+len(grown.list)))
	f.oneof = -1
	grown.byNumber[f.num] = f
	grown.list = append(grown.list, f)
	p.exts.Store(grown)
	return f
}

// field returns the field or extension with the given index.
func (p *plan) field(index int32) *field {
	if int(index) < len(p.fields) {
		return p.fields[index]
	}
	return p.exts.Load().list[int(index)-len(p.fields)]
}

// compare orders two fields as in the JSON: fields by declaration, then extensions by their
// full names.
func (p *plan) compare(a, b int32) int {
	n := int32(len(p.fields))
	if a >= n && b >= n && a != b {
		list := p.exts.Load().list
		if list[a-n].fd.FullName() < list[b-n].fd.FullName() {
			return -1
		}
		return 1
	}
	return int(a - b)
}

// makeNames finds the fields by what a JSON key may be: the JSON name and the name in the
// .proto file, the JSON name wins when it is also the name of another field.
func (p *plan) makeNames() {
	p.names = make(map[string]*field, 2*len(p.fields))
	for _, f := range p.fields {
		if p.names[f.json] == nil {
			p.names[f.json] = f
		} else {
			f.shadowed = true
		}
	}
	for _, f := range p.fields {
		if p.names[f.name] == nil {
			p.names[f.name] = f
		}
	}
}

// message returns the plan of the field's message type.
func (f *field) message() *plan {
	if p := f.sub.Load(); p != nil {
		return p
	}
	p := f.owner.set.plan(f.fd.Message())
	f.sub.Store(p)
	return p
}

// enumeration returns the plan of the field's enum type.
func (f *field) enumeration() *enumPlan {
	if e := f.enum.Load(); e != nil {
		return e
	}
	e := f.owner.set.enumPlan(f.fd.Enum())
	f.enum.Store(e)
	return e
}

func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// enforcesUTF8 reports whether a string field must be valid UTF-8 on the wire: always in
// proto3, never in proto2, and by its feature in editions.
func enforcesUTF8(fd protoreflect.FieldDescriptor) bool {
	if fd.Kind() != protoreflect.StringKind {
		return false
	}
	if fd.ParentFile().Syntax() == protoreflect.Editions {
		f, ok := fd.(interface{ EnforceUTF8() bool })
		return ok && f.EnforceUTF8()
	}
	return fd.ParentFile().Syntax() == protoreflect.Proto3
}
