package transcode

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// An enumPlan is what both directions know of one enum type. It is fixed once it is made.
type enumPlan struct {
	ed     protoreflect.EnumDescriptor
	dense  [][]byte // quoted names of the values from 0 up
	sparse map[int32][]byte
	byName map[string]int32
	prefix string           // the prefix that all names share, which a person may leave out
	folded map[string]int32 // names and short names in lower case that mean one value
}

// enumPlan returns the plan of ed.
func (ps *planSet) enumPlan(ed protoreflect.EnumDescriptor) *enumPlan {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if e := ps.enums[ed]; e != nil {
		return e
	}
	e := newEnumPlan(ed, ps.reads)
	ps.enums[ed] = e
	return e
}

// newEnumPlan makes a plan of ed: with its names to print or, if reads is set, to read.
func newEnumPlan(ed protoreflect.EnumDescriptor, reads bool) *enumPlan {
	e := &enumPlan{ed: ed}
	vs := ed.Values()
	if reads {
		e.prefix = commonPrefix(vs)
		e.makeNames()
		return e
	}
	e.sparse = make(map[int32][]byte)
	for i := range vs.Len() {
		e.addNumber(string(vs.Get(i).Name()), int32(vs.Get(i).Number()), 4*vs.Len()+16)
	}
	return e
}

// makeNames finds the values by their names and by what a person may type for them.
func (e *enumPlan) makeNames() {
	vs := e.ed.Values()
	e.byName = make(map[string]int32, vs.Len())
	e.folded = make(map[string]int32, 2*vs.Len())
	clash := make(map[string]bool)
	fold := func(name string, num int32) {
		low := strings.ToLower(name)
		if was, ok := e.folded[low]; ok && was != num {
			clash[low] = true
		}
		e.folded[low] = num
	}
	for i := range vs.Len() {
		name, num := string(vs.Get(i).Name()), int32(vs.Get(i).Number())
		if _, ok := e.byName[name]; !ok {
			e.byName[name] = num
		}
		fold(name, num)
		if short := e.short(name); short != name {
			fold(short, num)
		}
	}
	for low := range clash {
		delete(e.folded, low)
	}
}

// addNumber gives num its quoted name, unless it has one: the first of its names is printed.
func (e *enumPlan) addNumber(name string, num int32, limit int) {
	if num < 0 || int(num) >= limit {
		if e.sparse[num] == nil {
			e.sparse[num] = appendQuoted(nil, name)
		}
		return
	}
	for int(num) >= len(e.dense) {
		e.dense = append(e.dense, nil)
	}
	if e.dense[num] == nil {
		e.dense[num] = appendQuoted(nil, name)
	}
}

// quoted returns the name of a value in quotes, or nil when it has none.
func (e *enumPlan) quoted(num int32) []byte {
	if num >= 0 && int(num) < len(e.dense) {
		return e.dense[num]
	}
	return e.sparse[num]
}

// short returns a value's name without the prefix that all names of the enum share.
func (e *enumPlan) short(name string) string { return strings.TrimPrefix(name, e.prefix) }

// commonPrefix returns the prefix that all names share, up to and with an underscore. It is ""
// when the rest of a name would be empty, or begin with a digit and so read as a number.
func commonPrefix(vs protoreflect.EnumValueDescriptors) string {
	if vs.Len() == 0 {
		return ""
	}
	prefix := string(vs.Get(0).Name())
	for i := range vs.Len() {
		name := string(vs.Get(i).Name())
		n := 0
		for n < len(prefix) && n < len(name) && prefix[n] == name[n] {
			n++
		}
		prefix = prefix[:n]
	}
	prefix = prefix[:strings.LastIndexByte(prefix, '_')+1]
	for i := range vs.Len() {
		rest := string(vs.Get(i).Name())[len(prefix):]
		if rest == "" || rest[0] >= '0' && rest[0] <= '9' {
			return ""
		}
	}
	return prefix
}

// lenient returns the value that a person means by a name: in any case, and without the
// prefix, while that is the name of one value.
func (e *enumPlan) lenient(name string) (int32, bool) {
	num, ok := e.folded[strings.ToLower(name)]
	return num, ok
}

// maxNames is how many names of an enum a problem lists.
const maxNames = 8

// problem says that a text is no value of the enum, and what its values are.
func (e *enumPlan) problem(text string, short bool) string {
	var b strings.Builder
	b.WriteString(string(e.ed.Name()) + ", " + text + " is not one of its values")
	vs := e.ed.Values()
	if vs.Len() == 0 {
		return b.String()
	}
	b.WriteString(" (")
	for i := range min(vs.Len(), maxNames) {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(e.shown(i, short))
	}
	if more := vs.Len() - maxNames; more > 0 {
		b.WriteString(", and " + strconv.Itoa(more) + " more")
	}
	b.WriteString(")")
	return b.String()
}

// shown returns the name of value number i as a person may type it.
func (e *enumPlan) shown(i int, short bool) string {
	name := string(e.ed.Values().Get(i).Name())
	if short {
		return e.short(name)
	}
	return name
}

// nearest returns the name of the value that name is most like, or "".
func (e *enumPlan) nearest(name string, short bool) string {
	if len(e.prefix) > 0 && len(name) > len(e.prefix) && strings.EqualFold(name[:len(e.prefix)], e.prefix) {
		short = false
	}
	return nearestName(name, e.ed.Values().Len(), func(i int) string { return e.shown(i, short) })
}
