// Package rawdesc reads encoded file descriptors without unmarshalling them: their names, what
// they declare, and how much memory they would take. Whatever it reads may be hostile, so it
// allocates little and bounds what it returns.
package rawdesc

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// The field numbers of descriptor.proto that a scan looks at
// (https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto).
const (
	SetFile protowire.Number = 1 // of a FileDescriptorSet: its files

	fileName       protowire.Number = 1
	filePackage    protowire.Number = 2
	fileDependency protowire.Number = 3
	fileMessage    protowire.Number = 4
	fileEnum       protowire.Number = 5
	fileService    protowire.Number = 6
	fileExtension  protowire.Number = 7
	fileOptions    protowire.Number = 8
	fileSourceInfo protowire.Number = 9

	declName protowire.Number = 1 // of messages, enums, services, fields and values

	messageField      protowire.Number = 2
	messageNested     protowire.Number = 3
	messageEnum       protowire.Number = 4
	messageRange      protowire.Number = 5
	messageExtension  protowire.Number = 6
	messageOptions    protowire.Number = 7
	messageOneof      protowire.Number = 8
	messageReserved   protowire.Number = 9
	enumValue         protowire.Number = 2
	enumOptions       protowire.Number = 3
	enumReserved      protowire.Number = 4
	fieldExtendee     protowire.Number = 2
	fieldOptions      protowire.Number = 8
	oneofOptions      protowire.Number = 2
	rangeOptions      protowire.Number = 3
	valueOptions      protowire.Number = 3
	serviceMethod     protowire.Number = 2
	serviceOptions    protowire.Number = 3
	methodOptions     protowire.Number = 4
	sourceLocation    protowire.Number = 1
	locationLeading   protowire.Number = 3
	locationTrailing  protowire.Number = 4
	locationDetached  protowire.Number = 6
	uninterpretedName protowire.Number = 999
)

// A Field is one encoded field of a message.
type Field struct {
	Number protowire.Number
	Type   protowire.Type
	Bytes  []byte // of a length-delimited field; nil for the other wire types
	Varint uint64 // of a varint; 0 for the others
}

// Fields calls each for every field of an encoded message, until each returns false. The bytes
// of a field are not copied.
func Fields(raw []byte, each func(r Field) bool) error {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		r := Field{Number: num, Type: typ}
		switch typ {
		case protowire.BytesType:
			r.Bytes, n = protowire.ConsumeBytes(raw)
		case protowire.VarintType:
			r.Varint, n = protowire.ConsumeVarint(raw)
		default:
			n = protowire.ConsumeFieldValue(num, typ, raw)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		if !each(r) {
			return nil
		}
	}
	return nil
}

// A Head is the part of a file descriptor that one scan over its top level finds.
type Head struct {
	Path     string
	Package  protoreflect.FullName
	Services []protoreflect.FullName
}

// ReadHead reads the head of a file and checks its names. When a field occurs twice, the last
// one counts, as in every protobuf decoder.
func ReadHead(raw []byte) (Head, error) {
	var h Head
	var path, pkg []byte
	var services [][]byte
	err := Fields(raw, func(r Field) bool {
		switch r.Number {
		case fileName:
			path = r.Bytes
		case filePackage:
			pkg = r.Bytes
		case fileService:
			services = append(services, r.Bytes)
		}
		return len(services) <= MaxServices
	})
	if err != nil {
		return h, fmt.Errorf("reading a file descriptor: %w", err)
	}
	h.Path, h.Package = string(path), protoreflect.FullName(pkg)
	if err := CheckPath(h.Path); err != nil {
		return h, err
	}
	if len(services) > MaxServices {
		return h, ErrServices
	}
	if h.Package != "" && !symbol.Valid(h.Package) {
		return h, fmt.Errorf("the name of its package, %.64q, is not one", h.Package)
	}
	for _, s := range services {
		name, err := name(s)
		if err != nil || !name.IsValid() {
			return h, fmt.Errorf("the name of a service, %.64q, is not one", name)
		}
		h.Services = append(h.Services, symbol.Join(h.Package, string(name)))
	}
	return h, nil
}

// maxPath is the length in bytes of the longest path of a .proto file.
const maxPath = 4096

// CheckPath returns an error for text that cannot be the path of a .proto file in an import.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errors.New("a file descriptor has no name")
	case len(path) > maxPath:
		return errors.New("the name of a file descriptor is longer than 4096 bytes")
	case !utf8.ValidString(path):
		return fmt.Errorf("the name of a file descriptor, %.64q, is not UTF-8", path)
	}
	for _, r := range path {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("the name of a file descriptor, %.64q, has a control character", path)
		}
	}
	return nil
}

// name reads the name of a message, enum, service, field or value.
func name(raw []byte) (protoreflect.Name, error) {
	var name []byte
	err := Fields(raw, func(r Field) bool {
		if r.Number == declName {
			name = r.Bytes
		}
		return true
	})
	return protoreflect.Name(name), err
}

// TopNames calls each for the names that a file declares in its package: messages, enums and
// their values, services and extensions. Messages, enums and extensions are listed as types;
// the others are not. The scan ends when each returns false or the file is malformed.
func TopNames(raw []byte, each func(name protoreflect.Name, listed bool) bool) {
	add := func(raw []byte, listed bool) bool {
		name, err := name(raw)
		return err == nil && each(name, listed)
	}
	_ = Fields(raw, func(r Field) bool {
		switch r.Number {
		case fileMessage, fileExtension:
			return add(r.Bytes, true)
		case fileService:
			return add(r.Bytes, false)
		case fileEnum:
			more := add(r.Bytes, true)
			err := Fields(r.Bytes, func(v Field) bool {
				more = more && (v.Number != enumValue || add(v.Bytes, false))
				return more
			})
			return more && err == nil
		}
		return true
	})
}

// Services returns the encoded services of a file by their simple names. When two have the
// same name, the first counts.
func Services(raw []byte) map[protoreflect.Name][]byte {
	services := map[protoreflect.Name][]byte{}
	_ = Fields(raw, func(r Field) bool {
		if r.Number != fileService {
			return true
		}
		if name, err := name(r.Bytes); err == nil && services[name] == nil {
			services[name] = r.Bytes
		}
		return true
	})
	return services
}

// HasImports reports whether a file imports others.
func HasImports(raw []byte) (bool, error) {
	imports := false
	err := Fields(raw, func(r Field) bool {
		imports = imports || r.Number == fileDependency
		return true
	})
	return imports, err
}

// MethodNames returns the names of the methods of an encoded service.
func MethodNames(service []byte) []protoreflect.Name {
	var methods []protoreflect.Name
	_ = Fields(service, func(m Field) bool {
		if m.Number == serviceMethod {
			if name, err := name(m.Bytes); err == nil {
				methods = append(methods, name)
			}
		}
		return true
	})
	return methods
}

// WithoutComments returns a copy of a file descriptor that lacks source information.
func WithoutComments(raw []byte) ([]byte, error) {
	var kept []byte
	for rest := raw; len(rest) > 0; {
		num, typ, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(num, typ, rest[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if num != fileSourceInfo {
			kept = append(kept, rest[:n+size]...)
		}
		rest = rest[n+size:]
	}
	return kept, nil
}

// Extendees calls each for the messages that a file extends, named as in the file: with a
// leading dot, or relative.
func Extendees(raw []byte, each func(extendee string)) error {
	extension := func(raw []byte) error {
		return Fields(raw, func(r Field) bool {
			if r.Number == fieldExtendee {
				each(string(r.Bytes))
			}
			return true
		})
	}
	var message func(raw []byte, depth int) error
	message = func(raw []byte, depth int) error {
		if depth > maxNesting {
			return errTooDeep
		}
		var inner error
		err := Fields(raw, func(r Field) bool {
			switch r.Number {
			case messageNested:
				inner = message(r.Bytes, depth+1)
			case messageExtension:
				inner = extension(r.Bytes)
			}
			return inner == nil
		})
		return errors.Join(err, inner)
	}
	var inner error
	err := Fields(raw, func(r Field) bool {
		switch r.Number {
		case fileMessage:
			inner = message(r.Bytes, 1)
		case fileExtension:
			inner = extension(r.Bytes)
		}
		return inner == nil
	})
	return errors.Join(err, inner)
}
