package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// A Protoset is the Source of descriptor sets: FileDescriptorSet messages, as
// protoc --descriptor_set_out and buf build make them (buf's images have the same
// form). It is safe for concurrent use.
//
// Opening one scans the bytes for names, without unmarshalling them. A file is
// unmarshalled, checked and built when a symbol of it is asked for, or of one
// that imports it. A fault in a file then ends in a *DescriptorError that names
// it, and the rest of the set stays usable.
type Protoset struct {
	mu     sync.Mutex
	pool   *descpool.Pool
	faults []error // of files that were left out
}

// Faults returns what is wrong with the files that were left out.
func (s *Protoset) Faults() []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// OpenProtoset reads descriptor sets from files, none greater than 256 MiB, until ctx is done. Where
// two sets have a file of the same path, the one of the first set counts.
func OpenProtoset(ctx context.Context, paths ...string) (*Protoset, error) {
	s := NewProtoset()
	for _, path := range paths {
		if err := s.AddFile(ctx, path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// NewProtoset returns a Protoset with nothing in it.
func NewProtoset() *Protoset { return &Protoset{pool: descpool.New(nil, descpool.MaxWeight)} }

// AddFile adds the descriptor set in a file, of at most 256 MiB, which is read until ctx is done.
func (s *Protoset) AddFile(ctx context.Context, path string) error {
	data, err := readFile(ctx, path)
	if err != nil {
		return fmt.Errorf("reading a descriptor set: %w", err)
	}
	return s.Add(path, data)
}

// Add adds a descriptor set, whose bytes are the Protoset's from then on. The name
// is for errors.
func (s *Protoset) Add(name string, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(name, data)
}

// ParseProtoset reads a descriptor set from its bytes, which are the Protoset's
// from then on. The name is for errors.
func ParseProtoset(name string, data []byte) (*Protoset, error) {
	s := &Protoset{pool: descpool.New(nil, descpool.MaxWeight)}
	if err := s.add(name, data); err != nil {
		return nil, err
	}
	return s, nil
}

// maxPiped is the size in bytes of the greatest descriptor set that comes from a pipe, whose
// bytes are moved as they become more.
const maxPiped = 96 << 20

// readFile reads a file, which may be a pipe from a program.
func readFile(ctx context.Context, path string) ([]byte, error) {
	limit := int64(descpool.MaxBytes)
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		limit = maxPiped
	}
	return boundfile.Read(ctx, path, limit)
}

// add scans a set and takes its files into the pool. A file that the pool refuses is a fault;
// when it is the only file, that is the error.
func (s *Protoset) add(name string, data []byte) error {
	var fault error
	files, faults := 0, 0
	err := rawdesc.Fields(data, func(r rawdesc.Field) bool {
		if r.Number != rawdesc.SetFile {
			return true
		}
		files++
		before := s.pool.Size()
		f, differs, err := s.pool.Add(name, r.Bytes)
		switch {
		case err != nil:
			fault = err
		case differs && s.pool.Size() == before && f.Origin == name:
			fault = &DescriptorError{Origin: name, File: f.Path, Err: errTwice}
		}
		if fault == nil {
			return true
		}
		faults++
		if len(s.faults) < maxFaults {
			s.faults = append(s.faults, fault)
		}
		if errors.Is(fault, descpool.ErrFull) {
			return false
		}
		fault = nil
		return true
	})
	switch {
	case faults > 0 && (faults == files || errors.Is(s.faults[len(s.faults)-1], descpool.ErrFull)):
		return s.faults[len(s.faults)-1]
	case err != nil || files == 0:
		return &DescriptorError{Origin: name, Err: notASet(data)}
	}
	return nil
}

// maxFaults is how many files that were left out are named.
const maxFaults = 20

var errTwice = errors.New("the file is there twice, and the two differ")

// notASet says why bytes are not a descriptor set.
func notASet(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case data[0] == '{' || data[0] == '[':
		return errors.New("this is JSON; a descriptor set is binary")
	case len(data) > 1 && data[0] == 0x1f && data[1] == 0x8b: // RFC 1952, section 2.3.1
		return errors.New("this is compressed with gzip; unpack it first")
	default:
		return errors.New("this is not a descriptor set")
	}
}

// Services implements Source.
func (s *Protoset) Services(context.Context) ([]protoreflect.FullName, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pool.Services(), nil
}

// Find implements Source.
func (s *Protoset) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.pool.Find(ctx, name)
	return d, descpool.AsDescriptorError("", name, err)
}

// Extensions implements Source.
func (s *Protoset) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	xs, err := s.pool.Extensions(ctx, message)
	return xs, descpool.AsDescriptorError("", message, err)
}

// WithoutComments leaves comments and places out of what is built from then on,
// which is faster where a set has them. It returns s.
func (s *Protoset) WithoutComments() *Protoset {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pool.SkipComments()
	return s
}

func (s *Protoset) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pool.MethodNames(service)
}

func (s *Protoset) known() []protoreflect.FullName {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pool.Known()
}

func (s *Protoset) explain(name protoreflect.FullName) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pool.WhyMissing(name)
}
