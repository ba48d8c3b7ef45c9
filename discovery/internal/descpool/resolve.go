package descpool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// declare records the messages and enums that the file declares.
func (a *assembly) declare(
	scope protoreflect.FullName, mds []*descriptorpb.DescriptorProto, eds []*descriptorpb.EnumDescriptorProto,
) {
	for _, e := range eds {
		a.declared[symbol.Join(scope, e.GetName())] = true
	}
	for _, m := range mds {
		name := symbol.Join(scope, m.GetName())
		a.declared[name] = true
		a.declare(name, m.NestedType, m.EnumType)
	}
}

// resolveTypes makes the names of all types that the file refers to full, and imports the
// files that declare them where the file does not.
func (a *assembly) resolveTypes(ctx context.Context) error {
	pkg := protoreflect.FullName(a.fd.GetPackage())
	if err := a.resolveMessages(ctx, pkg, a.fd.MessageType); err != nil {
		return err
	}
	if err := a.resolveFields(ctx, pkg, a.fd.Extension); err != nil {
		return err
	}
	for _, s := range a.fd.Service {
		scope := symbol.Join(pkg, s.GetName())
		for _, m := range s.Method {
			if err := a.resolve(ctx, scope, m.InputType); err != nil {
				return err
			}
			if err := a.resolve(ctx, scope, m.OutputType); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assembly) resolveMessages(
	ctx context.Context, scope protoreflect.FullName, mds []*descriptorpb.DescriptorProto,
) error {
	for _, m := range mds {
		name := symbol.Join(scope, m.GetName())
		if err := a.resolveFields(ctx, name, m.Field); err != nil {
			return err
		}
		if err := a.resolveFields(ctx, name, m.Extension); err != nil {
			return err
		}
		if err := a.resolveMessages(ctx, name, m.NestedType); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembly) resolveFields(
	ctx context.Context, scope protoreflect.FullName, fields []*descriptorpb.FieldDescriptorProto,
) error {
	for _, f := range fields {
		if err := a.resolve(ctx, scope, f.TypeName); err != nil {
			return err
		}
		a.guessKind(f)
		if err := a.resolve(ctx, scope, f.Extendee); err != nil {
			return err
		}
	}
	return nil
}

// guessKind sets the kind of a field whose descriptor names a type only, when nothing declares
// that type. Without a kind, code that reads and writes messages panics. As a message the
// field loses nothing: its content is kept as unknown fields. Only a field with a default
// value, which a message cannot have, becomes an enum.
func (a *assembly) guessKind(f *descriptorpb.FieldDescriptorProto) {
	if f.Type != nil || a.declares(protoreflect.FullName(strings.TrimPrefix(f.GetTypeName(), "."))) {
		return
	}
	kind := descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	if f.DefaultValue != nil {
		kind = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	}
	f.Type = &kind
}

// declares reports whether the file or one of the imports that are here declares a message or
// enum.
func (a *assembly) declares(name protoreflect.FullName) bool {
	return a.declared[name] || symbol.TypeOrNil(a.findVisible(name)) != nil
}

// resolve makes one reference a full name, in place. It tries the names that a relative
// reference may mean from the innermost scope outward, first in the files that are here and
// then by asking.
func (a *assembly) resolve(ctx context.Context, scope protoreflect.FullName, ref *string) error {
	if ref == nil || *ref == "" {
		return nil
	}
	a.hasRelativeNames = a.hasRelativeNames || !strings.HasPrefix(*ref, ".")
	candidates := symbol.Candidates(scope, *ref)
	for _, name := range candidates {
		if a.declares(name) {
			*ref = "." + string(name)
			return nil
		}
	}
	var failed error
	for _, ask := range []bool{false, true} {
		for _, name := range candidates {
			d, err := a.pool.lookupType(ctx, name, a.file, ask, a.depth)
			if err != nil {
				if !symbol.IsDescriptorError(err) {
					return err
				}
				failed = err
				continue
			}
			if d != nil && d.ParentFile().Path() != a.file.Path {
				a.addImport(d.ParentFile().Path(), d.ParentFile(), false)
				a.types[name] = d
				*ref = "." + string(name)
				return nil
			}
		}
	}
	a.noteMissingType(candidates, ref, failed)
	return nil
}

// noteMissingType records that nothing declares a type, and why.
func (a *assembly) noteMissingType(candidates []protoreflect.FullName, ref *string, failed error) {
	why := failed
	if why == nil && len(a.missingImports) > 0 {
		why = errors.Join(a.missingImports[:min(len(a.missingImports), 3)]...)
	}
	if why == nil {
		why = fmt.Errorf("no file that %q imports declares it", a.file.Path)
	}
	a.incomplete = true
	// The library keeps only the names of absolute references.
	if !strings.HasPrefix(*ref, ".") {
		*ref = "." + *ref
	}
	a.pool.missingTypes[protoreflect.FullName((*ref)[1:])] = why
	for _, name := range candidates {
		if a.pool.missingTypes[name] == nil {
			a.pool.missingTypes[name] = why
		}
	}
}
