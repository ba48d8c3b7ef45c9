package formatters

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/internal/nearest"
)

// A FieldError is a path of fields in Options that does not fit the message.
type FieldError struct {
	Path    string
	Message protoreflect.FullName // the message in which the path goes wrong
	Problem string                // as in: there is no field "nmae"
	Nearest string                // the name that was probably meant, or ""
}

// Error returns the path and the problem.
func (e *FieldError) Error() string {
	return fmt.Sprintf("field %q: %s in %s", e.Path, e.Problem, e.Message)
}

// fieldProblem returns the error for a path whose last field does not serve.
func fieldProblem(path string, last protoreflect.FieldDescriptor, problem string) error {
	return &FieldError{
		Path: path, Message: last.ContainingMessage().FullName(), Problem: fmt.Sprintf("%q %s", last.Name(), problem),
	}
}

// fieldPath resolves names with dots between them, each as in the schema or as in JSON. The names
// after a map, or after a message whose JSON is not made of its fields, are returned as rest: no
// schema describes them.
func fieldPath(
	md protoreflect.MessageDescriptor, path string,
) (fields []protoreflect.FieldDescriptor, rest []string, err error) {
	names := strings.Split(path, ".")
	for i, name := range names {
		fd := fieldNamed(md, name)
		if fd == nil {
			problem := fmt.Sprintf("there is no field %q", name)
			return nil, nil, &FieldError{path, md.FullName(), problem, nearestField(md, name)}
		}
		fields = append(fields, fd)
		if i == len(names)-1 {
			break
		}
		switch {
		case fd.IsMap(), fd.Message() != nil && !fd.IsList() && wellKnown(fd.Message()):
			return fields, names[i+1:], nil
		case fd.IsList():
			return nil, nil, &FieldError{
				Path: path, Message: md.FullName(), Problem: fmt.Sprintf(
					"%q is repeated, and a path goes through single messages only,", name),
			}
		case fd.Message() == nil:
			return nil, nil, &FieldError{
				Path: path, Message: md.FullName(),
				Problem: fmt.Sprintf("%q is no message", name),
			}
		}
		md = fd.Message()
	}
	return fields, nil, nil
}

// fieldNamed returns the field of a name in the schema or in JSON, or nil.
func fieldNamed(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	return md.Fields().ByJSONName(name)
}

// maxDistance bounds the edit distances that are computed, far beyond those of names.
const maxDistance = 1 << 10

// nearestField returns the name of the field that begins with name or is spelled like it, or "".
func nearestField(md protoreflect.MessageDescriptor, name string) (closest string) {
	name = strings.ToLower(name)
	best := len(name)/2 + 1
	for i := range md.Fields().Len() {
		candidate := string(md.Fields().Get(i).Name())
		d := nearest.Distance(name, strings.ToLower(candidate), maxDistance)
		if name != "" && strings.HasPrefix(strings.ToLower(candidate), name) {
			d = 0
		}
		if d < best {
			best, closest = d, candidate
		}
	}
	return closest
}

// wellKnown reports whether a message type has a JSON form of its own.
func wellKnown(md protoreflect.MessageDescriptor) bool {
	if md.FullName().Parent() != "google.protobuf" {
		return false
	}
	switch md.Name() {
	case "Any", "Timestamp", "Duration", "FieldMask", "Struct", "Value", "ListValue",
		"BoolValue", "BytesValue", "DoubleValue", "FloatValue", "Int32Value", "Int64Value", "StringValue",
		"UInt32Value", "UInt64Value":
		return true
	}
	return false
}
