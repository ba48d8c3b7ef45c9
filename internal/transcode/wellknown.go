package transcode

import "google.golang.org/protobuf/reflect/protoreflect"

// A wellKnown is a message type with a JSON form of its own.
type wellKnown uint8

const (
	notKnown wellKnown = iota
	knownAny
	knownTimestamp
	knownDuration
	knownFieldMask
	knownStruct
	knownListValue
	knownValue
	knownWrapper
	knownEmpty // an ordinary message, except inside an Any
)

// wellKnownOf returns which well-known type md is. A descriptor comes from outside and may
// have any name, so one whose fields are not those of the well-known type counts as an
// ordinary message.
func wellKnownOf(md protoreflect.MessageDescriptor) wellKnown {
	if md.FullName().Parent() != "google.protobuf" {
		return notKnown
	}
	if md.ExtensionRanges().Len() > 0 || md.Oneofs().Len() > 0 && md.Name() != "Value" {
		return notKnown
	}
	if k := knownByName(md.Name()); k.fits(md) {
		return k
	}
	return notKnown
}

// knownByName returns which well-known type has a name.
func knownByName(name protoreflect.Name) wellKnown {
	switch name {
	case "Any":
		return knownAny
	case "Timestamp":
		return knownTimestamp
	case "Duration":
		return knownDuration
	case "FieldMask":
		return knownFieldMask
	case "Struct":
		return knownStruct
	case "ListValue":
		return knownListValue
	case "Value":
		return knownValue
	case "Empty":
		return knownEmpty
	}
	if wrapped(name) != 0 {
		return knownWrapper
	}
	return notKnown
}

// fits reports whether a message has the fields of the well-known type.
func (k wellKnown) fits(md protoreflect.MessageDescriptor) bool {
	fds := md.Fields()
	only := func(kinds ...protoreflect.Kind) bool { // of the fields 1, 2, …
		for i, kind := range kinds {
			fd := fds.ByNumber(protoreflect.FieldNumber(i + 1))
			if fd == nil || fd.Kind() != kind || fd.IsList() || fd.IsMap() {
				return false
			}
		}
		return fds.Len() == len(kinds)
	}
	switch k {
	case knownAny:
		return only(protoreflect.StringKind, protoreflect.BytesKind)
	case knownTimestamp, knownDuration:
		return only(protoreflect.Int64Kind, protoreflect.Int32Kind)
	case knownFieldMask:
		return onlyList(fds, protoreflect.StringKind)
	case knownStruct:
		return onlyMap(fds) && isValue(fds.Get(0).MapValue().Message())
	case knownListValue:
		return onlyList(fds, protoreflect.MessageKind) && isValue(fds.Get(0).Message())
	case knownValue:
		return isValue(md)
	case knownEmpty:
		return only()
	case knownWrapper:
		return only(wrapped(md.Name()))
	}
	return false
}

// onlyMap reports whether the one field is the map 1 with keys that are strings.
func onlyMap(fds protoreflect.FieldDescriptors) bool {
	return fds.Len() == 1 && fds.Get(0).Number() == 1 && fds.Get(0).IsMap() &&
		fds.Get(0).MapKey().Kind() == protoreflect.StringKind
}

// onlyList reports whether the one field is the list 1 of a kind.
func onlyList(fds protoreflect.FieldDescriptors, kind protoreflect.Kind) bool {
	return fds.Len() == 1 && fds.Get(0).Number() == 1 && fds.Get(0).IsList() && fds.Get(0).Kind() == kind
}

// The numbers of google.protobuf.Value's members.
const (
	valueNull = 1 + iota
	valueNumber
	valueString
	valueBool
	valueStruct
	valueList
)

// isValue reports whether md is google.protobuf.Value with the members it should have.
func isValue(md protoreflect.MessageDescriptor) bool {
	if md == nil || md.FullName() != "google.protobuf.Value" || md.Fields().Len() != 6 || md.Oneofs().Len() != 1 {
		return false
	}
	for num, kind := range []protoreflect.Kind{
		valueNull:   protoreflect.EnumKind,
		valueNumber: protoreflect.DoubleKind,
		valueString: protoreflect.StringKind,
		valueBool:   protoreflect.BoolKind,
		valueStruct: protoreflect.MessageKind,
		valueList:   protoreflect.MessageKind,
	} {
		fd := md.Fields().ByNumber(protoreflect.FieldNumber(num))
		if num == 0 {
			continue
		}
		if fd == nil || fd.Kind() != kind || fd.IsList() || fd.ContainingOneof() == nil {
			return false
		}
		switch num {
		case valueNull:
			if fd.Enum().FullName() != "google.protobuf.NullValue" {
				return false
			}
		case valueStruct:
			if fd.Message().FullName() != "google.protobuf.Struct" {
				return false
			}
		case valueList:
			if fd.Message().FullName() != "google.protobuf.ListValue" {
				return false
			}
		}
	}
	return true
}

// wrapped returns the kind that the wrapper message called name holds, or 0.
func wrapped(name protoreflect.Name) protoreflect.Kind {
	switch name {
	case "BoolValue":
		return protoreflect.BoolKind
	case "Int32Value":
		return protoreflect.Int32Kind
	case "Int64Value":
		return protoreflect.Int64Kind
	case "UInt32Value":
		return protoreflect.Uint32Kind
	case "UInt64Value":
		return protoreflect.Uint64Kind
	case "FloatValue":
		return protoreflect.FloatKind
	case "DoubleValue":
		return protoreflect.DoubleKind
	case "StringValue":
		return protoreflect.StringKind
	case "BytesValue":
		return protoreflect.BytesKind
	}
	return 0
}
