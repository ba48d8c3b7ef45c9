package descpool

import (
	"context"
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// AllFiles builds all files and returns what is wrong with those that cannot be built. Each
// file may take as much as one lookup. Files that take more are tried again at the end, when
// most of what they import is built.
func (p *Pool) AllFiles(ctx context.Context) (files []protoreflect.FileDescriptor, faults []error, err error) {
	var wide []int
	for i := 0; i < len(p.all); i++ {
		p.weightBefore = p.weight
		fd, err := p.build(ctx, p.all[i], 0)
		var cycle *splitRequest
		switch {
		case errors.As(err, &cycle):
			p.split(cycle.file)
			files, faults, wide, i = nil, nil, nil, -1 // other files exist now; what was built stays built
		case isTooWide(err):
			wide = append(wide, i)
		case symbol.IsDescriptorError(err):
			faults = append(faults, err)
		case err != nil:
			return nil, nil, err
		default:
			files = append(files, fd)
		}
	}
	for _, i := range wide {
		f := p.all[i]
		p.weightBefore = p.weight
		fd, err := p.build(ctx, f, 0)
		switch {
		case isTooWide(err), errors.As(err, new(*splitRequest)):
			faults = append(faults, &symbol.DescriptorError{Origin: f.Origin, File: f.Path, Err: err})
		case symbol.IsDescriptorError(err):
			faults = append(faults, err)
		case err != nil:
			return nil, nil, err
		default:
			files = append(files, fd)
		}
	}
	return files, faults, nil
}
