package discovery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// declare notes the messages and enums that the file declares.
func (a *assembly) declare(scope protoreflect.FullName, mds []*descriptorpb.DescriptorProto, eds []*descriptorpb.EnumDescriptorProto) {
	for _, e := range eds {
		a.declared[symbol.Join(scope, e.GetName())] = true
	}
	for _, m := range mds {
		name := symbol.Join(scope, m.GetName())
		a.declared[name] = true
		a.declare(name, m.NestedType, m.EnumType)
	}
}

// resolveTypes makes the name of each type that the file refers to a full one,
// and imports the file that declares it where the file itself does not say so.
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

func (a *assembly) resolveMessages(ctx context.Context, scope protoreflect.FullName, mds []*descriptorpb.DescriptorProto) error {
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

func (a *assembly) resolveFields(ctx context.Context, scope protoreflect.FullName, fields []*descriptorpb.FieldDescriptorProto) error {
	for _, f := range fields {
		if err := a.resolve(ctx, scope, f.TypeName); err != nil {
			return err
		}
		a.settleKind(f)
		if err := a.resolve(ctx, scope, f.Extendee); err != nil {
			return err
		}
	}
	return nil
}

// settleKind says what a field is that leaves it to its type and whose type
// nothing declares. The library would leave it of no kind at all, on which what
// reads and writes messages panics. A message loses nothing, whatever the type
// really is: its fields are not known, and what the wire holds is kept. Only a
// default value, which a message can not have, makes it an enum.
func (a *assembly) settleKind(f *descriptorpb.FieldDescriptorProto) {
	if f.Type != nil || a.has(protoreflect.FullName(strings.TrimPrefix(f.GetTypeName(), "."))) {
		return
	}
	kind := descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	if f.DefaultValue != nil {
		kind = descriptorpb.FieldDescriptorProto_TYPE_ENUM
	}
	f.Type = &kind
}

// has tells whether a message or enum is declared by the file or by what it
// imports, as far as that is here.
func (a *assembly) has(name protoreflect.FullName) bool {
	return a.declared[name] || symbol.TypeOrNil(a.lookVisible(name)) != nil
}

// resolve makes one reference a full name, in place. A relative one is searched
// for from its scope outward, first among what is here, then by asking.
func (a *assembly) resolve(ctx context.Context, scope protoreflect.FullName, ref *string) error {
	if ref == nil || *ref == "" {
		return nil
	}
	a.foreign = a.foreign || !strings.HasPrefix(*ref, ".")
	candidates := symbol.Candidates(scope, *ref)
	for _, name := range candidates {
		if a.has(name) {
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
	a.leaveType(candidates, ref, failed)
	return nil
}

// leaveType notes that nothing declares a type, and why.
func (a *assembly) leaveType(candidates []protoreflect.FullName, ref *string, failed error) {
	why := failed
	if why == nil && len(a.open) > 0 {
		why = errors.Join(a.open[:min(len(a.open), 3)]...)
	}
	if why == nil {
		why = fmt.Errorf("no file that %q imports declares it", a.file.Path)
	}
	a.lacking = true
	// The library keeps only the names of absolute references.
	if !strings.HasPrefix(*ref, ".") {
		*ref = "." + *ref
	}
	a.pool.lacks[protoreflect.FullName((*ref)[1:])] = why
	for _, name := range candidates {
		if a.pool.lacks[name] == nil {
			a.pool.lacks[name] = why
		}
	}
}
