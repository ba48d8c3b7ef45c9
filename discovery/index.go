package discovery

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// The field numbers of descriptor.proto that a scan of the wire bytes looks at
// (https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto).
const (
	setFile protowire.Number = 1

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

// record is one field of a message on the wire.
type record struct {
	num    protowire.Number
	typ    protowire.Type
	bytes  []byte // of a length-delimited field; nil for the other wire types
	varint uint64 // of a varint; 0 for the others
}

// records calls each for every field of a message. It copies nothing. What each
// returns false for ends the scan.
func records(raw []byte, each func(r record) bool) error {
	for len(raw) > 0 {
		num, typ, n := protowire.ConsumeTag(raw)
		if n < 0 {
			return protowire.ParseError(n)
		}
		raw = raw[n:]
		r := record{num: num, typ: typ}
		switch typ {
		case protowire.BytesType:
			r.bytes, n = protowire.ConsumeBytes(raw)
		case protowire.VarintType:
			r.varint, n = protowire.ConsumeVarint(raw)
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

// A head is the part of a file descriptor that one scan over its top level finds.
type head struct {
	path     string
	pkg      protoreflect.FullName
	services []protoreflect.FullName
}

// scanHead reads the head of a file. Where a field comes twice the last one
// counts, as the wire format has it.
func scanHead(raw []byte) (head, error) {
	var h head
	var path, pkg []byte
	var services [][]byte
	err := records(raw, func(r record) bool {
		switch r.num {
		case fileName:
			path = r.bytes
		case filePackage:
			pkg = r.bytes
		case fileService:
			services = append(services, r.bytes)
		}
		return len(services) <= maxServices
	})
	if err != nil {
		return h, fmt.Errorf("reading a file descriptor: %w", err)
	}
	h.path, h.pkg = string(path), protoreflect.FullName(pkg)
	if err := checkPath(h.path); err != nil {
		return h, err
	}
	if len(services) > maxServices {
		return h, errServices
	}
	if h.pkg != "" && !symbol.Valid(h.pkg) {
		return h, fmt.Errorf("the name of its package, %.64q, is not one", h.pkg)
	}
	for _, s := range services {
		name, err := scanName(s)
		if err != nil || !name.IsValid() {
			return h, fmt.Errorf("the name of a service, %.64q, is not one", name)
		}
		h.services = append(h.services, symbol.Join(h.pkg, string(name)))
	}
	return h, nil
}

// maxPath is the length in bytes of the longest path of a .proto file.
const maxPath = 4096

// checkPath refuses what can not be the path of a .proto file in an import.
func checkPath(path string) error {
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

// scanName reads the name of a message, enum, service, field or value.
func scanName(raw []byte) (protoreflect.Name, error) {
	var name []byte
	err := records(raw, func(r record) bool {
		if r.num == declName {
			name = r.bytes
		}
		return true
	})
	return protoreflect.Name(name), err
}

// scanTop reports the names that a file declares in its package: messages, enums
// and their values, services, extensions. Messages, enums and extensions are listed, the
// others are not. It ends when each returns false, or at a fault.
func scanTop(raw []byte, each func(name protoreflect.Name, listed bool) bool) {
	add := func(raw []byte, listed bool) bool {
		name, err := scanName(raw)
		return err == nil && each(name, listed)
	}
	_ = records(raw, func(r record) bool {
		switch r.num {
		case fileMessage, fileExtension:
			return add(r.bytes, true)
		case fileService:
			return add(r.bytes, false)
		case fileEnum:
			more := add(r.bytes, true)
			err := records(r.bytes, func(v record) bool {
				more = more && (v.num != enumValue || add(v.bytes, false))
				return more
			})
			return more && err == nil
		}
		return true
	})
}

// scanServices returns the services that a file declares, in wire format, by their bare names. Of
// two of one name the first counts.
func scanServices(raw []byte) map[protoreflect.Name][]byte {
	services := map[protoreflect.Name][]byte{}
	_ = records(raw, func(r record) bool {
		if r.num != fileService {
			return true
		}
		if name, err := scanName(r.bytes); err == nil && services[name] == nil {
			services[name] = r.bytes
		}
		return true
	})
	return services
}

// hasImports reports whether a file imports others.
func hasImports(raw []byte) (bool, error) {
	imports := false
	err := records(raw, func(r record) bool {
		imports = imports || r.num == fileDependency
		return true
	})
	return imports, err
}

// scanMethods reads the names of the methods of a service.
func scanMethods(service []byte) []protoreflect.Name {
	var methods []protoreflect.Name
	_ = records(service, func(m record) bool {
		if m.num == serviceMethod {
			if name, err := scanName(m.bytes); err == nil {
				methods = append(methods, name)
			}
		}
		return true
	})
	return methods
}

// withoutComments returns a file descriptor without its source information.
func withoutComments(raw []byte) ([]byte, error) {
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

// scanExtendees reports the messages that a file has extensions of, as the file
// names them: with a leading dot, or relative.
func scanExtendees(raw []byte, each func(extendee string)) error {
	extension := func(raw []byte) error {
		return records(raw, func(r record) bool {
			if r.num == fieldExtendee {
				each(string(r.bytes))
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
		err := records(raw, func(r record) bool {
			switch r.num {
			case messageNested:
				inner = message(r.bytes, depth+1)
			case messageExtension:
				inner = extension(r.bytes)
			}
			return inner == nil
		})
		return errors.Join(err, inner)
	}
	var inner error
	err := records(raw, func(r record) bool {
		switch r.num {
		case fileMessage:
			inner = message(r.bytes, 1)
		case fileExtension:
			inner = extension(r.bytes)
		}
		return inner == nil
	})
	return errors.Join(err, inner)
}
