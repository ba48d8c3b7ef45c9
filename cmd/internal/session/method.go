package session

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/invoke"
)

// FindMethod looks a method up by its name or an end of it that is unique, until ready is
// done. The types of its messages can be looked up until ctx is done.
func (s *Session) FindMethod(
	ctx, ready context.Context, name string,
) (protoreflect.MethodDescriptor, invoke.Types, error) {
	source, err := s.Source(ready)
	if err != nil {
		return nil, nil, err
	}
	types, err := s.Types(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Authorize(ready); err != nil {
		return nil, nil, err
	}
	m, err := discovery.FindMethod(ready, source, name)
	return m, types, err
}
