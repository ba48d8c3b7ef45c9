// Package compress compresses and expands messages by the content codings of HTTP:
// gzip, br, zstd, deflate and snappy. Its main type is Coding.
package compress

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
)

// Identity is the name of no compression at all.
const Identity = "identity"

// A Coding is one way to compress. It reuses what is expensive to make, makes nothing before
// the first message, and is safe for concurrent use.
type Coding struct {
	name      string
	newWriter func() (writer, error)
	newReader func() (reader, error)
	writers   sync.Pool // of *pooledWriter
	readers   sync.Pool // of *pooledReader
}

// writer and reader are what the libraries have in common.
type (
	writer interface {
		io.WriteCloser
		Reset(w io.Writer)
	}
	reader interface {
		io.Reader
		Reset(r io.Reader) error
	}
)

// Names returns the names of all codings, the one to prefer first.
func Names() []string { return []string{"gzip", "br", "zstd", "deflate", "snappy"} }

// Known reports whether there is a coding of that name.
func Known(name string) bool { return slices.Contains(Names(), name) }

// Codings returns a fresh coding for each of Names.
func Codings() []*Coding {
	return []*Coding{
		{
			name:      "gzip",
			newWriter: func() (writer, error) { return gzip.NewWriter(nil), nil },
			newReader: func() (reader, error) { return new(gzip.Reader), nil },
		},
		{
			name:      "br",
			newWriter: func() (writer, error) { return brotli.NewWriterLevel(nil, brotliLevel), nil },
			newReader: func() (reader, error) { return brotli.NewReader(nil), nil },
		},
		{
			name: "zstd",
			newWriter: func() (writer, error) {
				return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
					zstd.WithWindowSize(zstdWindow))
			},
			newReader: func() (reader, error) {
				// Without the last option the library expands a small buffer whole, however much
				// comes of it, before the first byte is read.
				return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
					zstd.WithDecoderMaxWindow(maxZstdWindow),
					zstd.WithDecodeBuffersBelow(0))
			},
		},
		{
			name:      "deflate",
			newWriter: func() (writer, error) { return zlib.NewWriter(nil), nil },
			newReader: func() (reader, error) { return new(zlibReader), nil },
		},
		{
			name:      "snappy",
			newWriter: func() (writer, error) { return snappy.NewBufferedWriter(nil), nil },
			newReader: func() (reader, error) { return snappyReader{snappy.NewReader(nil)}, nil },
		},
	}
}

const (
	brotliLevel   = 4         // about the cost of gzip's default
	zstdWindow    = 256 << 10 // bytes; messages are rarely greater
	maxZstdWindow = 8 << 20   // bytes; what RFC 8878, section 3.1.1.1.2, asks decoders to take
)

// Name returns the name of the coding in HTTP's registry.
func (c *Coding) Name() string { return c.name }

// Compress returns a writer that compresses to w. Close ends the message, and must
// be called once; it does not close w.
func (c *Coding) Compress(w io.Writer) (io.WriteCloser, error) {
	p, ok := c.writers.Get().(*pooledWriter)
	if !ok {
		fresh, err := c.newWriter()
		if err != nil {
			return nil, err
		}
		p = &pooledWriter{writer: fresh, home: &c.writers}
	}
	p.Reset(w)
	return p, nil
}

// Decompress returns a reader of what r has compressed. It reads r at its own pace, so the
// limit is set by whoever reads from it. Close does not close r.
func (c *Coding) Decompress(r io.Reader) (io.ReadCloser, error) {
	p, ok := c.readers.Get().(*pooledReader)
	if !ok {
		fresh, err := c.newReader()
		if err != nil {
			return nil, err
		}
		p = &pooledReader{reader: fresh, home: &c.readers}
	}
	if err := p.Reset(r); err != nil {
		return nil, err
	}
	return p, nil
}

type pooledWriter struct {
	writer
	home *sync.Pool
}

// Close ends the message and puts the writer back.
func (p *pooledWriter) Close() error {
	err := p.writer.Close()
	p.Reset(io.Discard)
	p.home.Put(p)
	return err
}

type pooledReader struct {
	reader
	home *sync.Pool
}

// Close puts the reader back. It keeps its last source until it is used again,
// for not every library can be reset to nothing.
func (p *pooledReader) Close() error {
	p.home.Put(p)
	return nil
}

// zlibReader reads the zlib format (RFC 1950), which HTTP calls deflate (RFC 9110,
// section 8.4.1.2). The library has no reader without a source.
type zlibReader struct{ io.ReadCloser }

func (z *zlibReader) Reset(r io.Reader) error {
	if z.ReadCloser != nil {
		return z.ReadCloser.(zlib.Resetter).Reset(r, nil)
	}
	fresh, err := zlib.NewReader(r)
	if err == nil {
		z.ReadCloser = fresh
	}
	return err
}

type snappyReader struct{ *snappy.Reader }

func (s snappyReader) Reset(r io.Reader) error {
	s.Reader.Reset(r)
	return nil
}
