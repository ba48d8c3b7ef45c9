package formatters

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A tableColumn is a column, shown or not.
type tableColumn struct {
	name  string
	path  []string // in the JSON of a row; nil: the row itself
	right bool     // numbers are aligned to the right
	shown bool
}

// prepare decides what the rows and the columns are, once for each type of message.
func (f *tableFormatter) prepare(md protoreflect.MessageDescriptor, single bool) error {
	if f.desc == md {
		return nil
	}
	if err := f.layOut(); err != nil {
		return err
	}
	f.hasHeader = false
	f.desc, f.list, f.named, f.columns = md, nil, f.o.Field != "", nil
	var list protoreflect.FieldDescriptor
	switch {
	case f.named:
		fields, rest, err := fieldPath(md, f.o.Field)
		if err != nil {
			return err
		}
		list = fields[len(fields)-1]
		if len(rest) > 0 || !list.IsList() || list.Message() == nil {
			return fieldProblem(f.o.Field, list, "is not a repeated message field")
		}
		f.list = f.names(fields)
	case single && !f.hasColumns(md):
		if list = onlyList(md); list != nil {
			f.list = f.names([]protoreflect.FieldDescriptor{list})
		}
	}
	if list != nil {
		md = list.Message()
	}
	return f.prepareColumns(md)
}

// hasColumns reports whether all columns that were asked for are fields of the message itself,
// rather than of the elements of its list.
func (f *tableFormatter) hasColumns(md protoreflect.MessageDescriptor) bool {
	for _, path := range f.o.Columns {
		if _, _, err := fieldPath(md, path); err != nil {
			return false
		}
	}
	return len(f.o.Columns) > 0
}

// onlyList returns the one repeated message field of a message, as responses that list things
// have one, or nil.
func onlyList(md protoreflect.MessageDescriptor) (list protoreflect.FieldDescriptor) {
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.IsList() && fd.Message() != nil {
			if list != nil || fd.Message() == md {
				return nil
			}
			list = fd
		}
	}
	return list
}

// prepareColumns makes the columns for rows of a message type.
func (f *tableFormatter) prepareColumns(md protoreflect.MessageDescriptor) error {
	for _, path := range f.o.Columns {
		fields, rest, err := fieldPath(md, path)
		if err != nil {
			return err
		}
		names := append(f.names(fields), rest...)
		f.columns = append(f.columns, &tableColumn{
			name: strings.Join(names, "."), path: names, right: len(rest) == 0 &&
				numeric(fields[len(fields)-1]), shown: true,
		})
	}
	if len(f.columns) > 0 {
		return nil
	}
	if wellKnown(md) {
		f.columns = []*tableColumn{{name: "value"}}
		return nil
	}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		names := f.names([]protoreflect.FieldDescriptor{fd})
		f.columns = append(f.columns, &tableColumn{name: names[0], path: names, right: numeric(fd)})
	}
	return nil
}

// names returns the names of fields in the JSON.
func (f *tableFormatter) names(fields []protoreflect.FieldDescriptor) (names []string) {
	for _, fd := range fields {
		if f.o.ProtoNames {
			names = append(names, fd.TextName())
		} else {
			names = append(names, fd.JSONName())
		}
	}
	return names
}

// numeric reports whether a field is a single number.
func numeric(fd protoreflect.FieldDescriptor) bool {
	switch fd.Kind() {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.StringKind, protoreflect.BytesKind,
		protoreflect.MessageKind, protoreflect.GroupKind:
		return false
	}
	return !fd.IsList()
}

// shownColumns returns the columns that are shown.
func shownColumns(columns []*tableColumn) (shown []*tableColumn) {
	for _, c := range columns {
		if c.shown {
			shown = append(shown, c)
		}
	}
	return shown
}
