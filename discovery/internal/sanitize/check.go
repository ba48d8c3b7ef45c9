// Package sanitize makes file descriptors from outside safe for the library that builds them.
// Check refuses what the library does not check or does not survive; Clean and Mend repair
// what servers are known to get wrong.
package sanitize

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// maxImports is how many imports one file may have.
const maxImports = 5_000

// Check returns an error for a file that the library which builds descriptors would accept
// without a check or would panic on.
func Check(fd *descriptorpb.FileDescriptorProto) error {
	switch fd.GetSyntax() {
	case "", "proto2", "proto3":
	case "editions":
		// The library ends the process for an edition that it does not know when
		// the name of the file looks like one of its own tests.
		if err := checkEdition(fd.GetEdition()); err != nil {
			return err
		}
	default:
		return fmt.Errorf("syntax %.64q is not one", fd.GetSyntax())
	}
	if n := len(fd.Dependency) + len(fd.OptionDependency); n > maxImports {
		return fmt.Errorf("%d imports", n)
	}
	for _, path := range append(append([]string(nil), fd.Dependency...), fd.OptionDependency...) {
		if err := rawdesc.CheckPath(path); err != nil {
			return fmt.Errorf("importing %.64q: %w", path, err)
		}
	}
	for _, i := range fd.PublicDependency {
		if i < 0 || int(i) >= len(fd.Dependency) {
			return fmt.Errorf("public import %d of %d", i, len(fd.Dependency))
		}
	}
	if err := checkEnums(fd.Package, fd.EnumType); err != nil {
		return err
	}
	if err := checkFields(fd.GetPackage(), fd.Extension, 0); err != nil {
		return err
	}
	for _, s := range fd.Service {
		if err := checkService(fd.GetPackage(), s); err != nil {
			return err
		}
	}
	return checkMessages(fd.GetPackage(), fd.MessageType)
}

func checkEdition(e descriptorpb.Edition) error {
	switch e {
	case descriptorpb.Edition_EDITION_PROTO2, descriptorpb.Edition_EDITION_PROTO3,
		descriptorpb.Edition_EDITION_2023, descriptorpb.Edition_EDITION_2024:
		return nil
	}
	return fmt.Errorf("edition %s is not supported; the newest that is, is 2024",
		strings.TrimPrefix(e.String(), "EDITION_"))
}

func checkMessages(scope string, mds []*descriptorpb.DescriptorProto) error {
	for _, md := range mds {
		name := scope + "." + md.GetName()
		if err := checkName(scope, md.GetName()); err != nil {
			return err
		}
		if err := checkFields(name, md.Field, len(md.OneofDecl)); err != nil {
			return err
		}
		if err := checkFields(name, md.Extension, 0); err != nil {
			return err
		}
		for _, o := range md.OneofDecl {
			if err := checkName(name, o.GetName()); err != nil {
				return err
			}
		}
		if err := checkEnums(&name, md.EnumType); err != nil {
			return err
		}
		if err := checkMessages(name, md.NestedType); err != nil {
			return err
		}
	}
	return nil
}

// checkFields checks fields or extensions, of a message with a number of oneofs.
func checkFields(scope string, fields []*descriptorpb.FieldDescriptorProto, oneofs int) error {
	for _, f := range fields {
		if err := checkName(scope, f.GetName()); err != nil {
			return err
		}
		name := scope + "." + f.GetName()
		if f.OneofIndex != nil && (f.GetOneofIndex() < 0 || int(f.GetOneofIndex()) >= oneofs) {
			return fmt.Errorf("field %q is in oneof %d of %d", trim(name), f.GetOneofIndex(), oneofs)
		}
		if n := protowire.Number(f.GetNumber()); n < 1 || n > protowire.MaxValidNumber && f.Extendee == nil {
			return fmt.Errorf("field %q has number %d", trim(name), n)
		}
		if err := checkType(name, f); err != nil {
			return err
		}
	}
	return nil
}

// checkType checks the label, the type and the extended message of a field.
func checkType(name string, f *descriptorpb.FieldDescriptorProto) error {
	switch {
	case f.Label != nil && !protoreflect.Cardinality(f.GetLabel()).IsValid():
		return fmt.Errorf("field %q has label %d", trim(name), f.GetLabel())
	case f.Type != nil && !protoreflect.Kind(f.GetType()).IsValid():
		return fmt.Errorf("field %q has type %d", trim(name), f.GetType())
	case f.Type == nil && f.GetTypeName() == "":
		return fmt.Errorf("field %q has no type", trim(name))
	}
	if err := checkReference(name, f.TypeName); err != nil {
		return err
	}
	return checkReference(name, f.Extendee)
}

func checkEnums(scope *string, eds []*descriptorpb.EnumDescriptorProto) error {
	in := ""
	if scope != nil {
		in = *scope
	}
	for _, ed := range eds {
		if err := checkName(in, ed.GetName()); err != nil {
			return err
		}
		if len(ed.Value) == 0 {
			return fmt.Errorf("enum %q has no values", trim(in+"."+ed.GetName()))
		}
		for _, v := range ed.Value {
			if err := checkName(in, v.GetName()); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkService(scope string, s *descriptorpb.ServiceDescriptorProto) error {
	if err := checkName(scope, s.GetName()); err != nil {
		return err
	}
	name := scope + "." + s.GetName()
	for _, m := range s.Method {
		if err := checkName(name, m.GetName()); err != nil {
			return err
		}
		for _, ref := range []*string{m.InputType, m.OutputType} {
			if ref == nil || *ref == "" {
				return fmt.Errorf("method %q lacks the type of its requests or answers", trim(name+"."+m.GetName()))
			}
			if err := checkReference(name+"."+m.GetName(), ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkName checks a name that is declared in a scope.
func checkName(scope, name string) error {
	if !symbol.Valid(protoreflect.Name(name)) {
		return fmt.Errorf("%.64q, declared in %q, is not a name", name, strings.TrimPrefix(scope, "."))
	}
	return nil
}

// checkReference checks the name of a type that a symbol refers to.
func checkReference(by string, ref *string) error {
	if ref == nil || *ref == "" {
		return nil
	}
	if len(*ref) > symbol.MaxName || !symbol.Valid(protoreflect.FullName(strings.TrimPrefix(*ref, "."))) {
		return fmt.Errorf("%q refers to %.64q, which is not a name", trim(by), *ref)
	}
	return nil
}

// trim removes the leading dot from the name of a symbol in no package.
func trim(name string) string { return strings.TrimPrefix(name, ".") }
