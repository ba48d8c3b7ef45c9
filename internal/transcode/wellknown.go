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
	knownEmpty // an ordinary message, but for its place inside an Any
)

// wellKnownOf returns which well-known type md is. A descriptor comes from the other side
// and may claim any name, so one whose fields are not those of the well-known type counts
// as an ordinary message.
func wellKnownOf(md protoreflect.MessageDescriptor) wellKnown {
	if md.FullName().Parent() != "google.protobuf" {
		return notKnown
	}
	const (
		str, raw, i32, i64 = protoreflect.StringKind, protoreflect.BytesKind, protoreflect.Int32Kind, protoreflect.Int64Kind
		msg                = protoreflect.MessageKind
	)
	if md.ExtensionRanges().Len() > 0 || md.Oneofs().Len() > 0 && md.Name() != "Value" {
		return notKnown
	}
	fds := md.Fields()
	single := func(num protoreflect.FieldNumber, kind protoreflect.Kind) bool {
		fd := fds.ByNumber(num)
		return fd != nil && fd.Kind() == kind && !fd.IsList() && !fd.IsMap()
	}
	list := func(kind protoreflect.Kind) bool {
		return fds.Len() == 1 && fds.Get(0).Number() == 1 && fds.Get(0).IsList() && fds.Get(0).Kind() == kind
	}
	var k wellKnown
	ok := false
	switch md.Name() {
	case "Any":
		k, ok = knownAny, fds.Len() == 2 && single(1, str) && single(2, raw)
	case "Timestamp":
		k, ok = knownTimestamp, fds.Len() == 2 && single(1, i64) && single(2, i32)
	case "Duration":
		k, ok = knownDuration, fds.Len() == 2 && single(1, i64) && single(2, i32)
	case "FieldMask":
		k, ok = knownFieldMask, list(str)
	case "Struct":
		k, ok = knownStruct, fds.Len() == 1 && fds.Get(0).Number() == 1 && fds.Get(0).IsMap() &&
			fds.Get(0).MapKey().Kind() == str && isValue(fds.Get(0).MapValue().Message())
	case "ListValue":
		k, ok = knownListValue, list(msg) && isValue(fds.Get(0).Message())
	case "Value":
		k, ok = knownValue, isValue(md)
	case "Empty":
		k, ok = knownEmpty, fds.Len() == 0
	default:
		if kind := wrapped(md.Name()); kind != 0 {
			k, ok = knownWrapper, fds.Len() == 1 && single(1, kind)
		}
	}
	if !ok {
		return notKnown
	}
	return k
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
