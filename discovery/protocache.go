package discovery

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
)

// A manifest says what a compiled tree was made of. It holds while every file is as it was,
// and the places where the compiler found no file still have none.
type manifest struct {
	Files   []manifestFile
	Missing []string
}

type manifestFile struct {
	Disk  string // an absolute path
	Size  int64
	Time  int64  // of its last change, in nanoseconds
	Sum   string // of its content
	Fresh bool   // it was changed so recently that its time may be that of two contents
}

// racy is how long after a change another one may leave a file with the same time: some file
// systems count in steps of two seconds.
const racy = 2 * time.Second

// compiledKey is the key of what files compile to. It says which compiler, which
// roots in which order, and which names.
func (c *protoCompiler) compiledKey(names []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "compiled 1 %t", c.noComments)
	for _, r := range c.roots {
		abs, err := filepath.Abs(r)
		if err != nil {
			return ""
		}
		fmt.Fprintf(&b, " -I %q", abs)
	}
	for _, n := range names {
		fmt.Fprintf(&b, " %q", n)
	}
	return b.String()
}

// remembered returns what an earlier process compiled, if it still holds.
func (c *protoCompiler) remembered(ctx context.Context, names []string) *Protofiles {
	if c.store == nil {
		return nil
	}
	key := c.compiledKey(names)
	data, _, ok := c.store.Get(key)
	if !ok {
		return nil
	}
	head, n := protowire.ConsumeBytes(data)
	var m manifest
	if n < 0 || json.Unmarshal(head, &m) != nil {
		c.store.Remove(key)
		return nil
	}
	if !m.holds(ctx) {
		return nil
	}
	set := &Protoset{pool: descpool.NewCompiled(!c.noComments)}
	if err := set.add("the cache", data[n:]); err != nil {
		c.store.Remove(key)
		return nil
	}
	return &Protofiles{set: set}
}

// holds compares files by size and time, and by content where the time decides nothing or is
// all that differs.
func (m *manifest) holds(ctx context.Context) bool {
	for _, f := range m.Files {
		info, err := os.Stat(f.Disk)
		if err != nil || info.Size() != f.Size {
			return false
		}
		if info.ModTime().UnixNano() == f.Time && !f.Fresh {
			continue
		}
		text, _, err := readSource(ctx, f.Disk)
		if err != nil || contentSum(text) != f.Sum {
			return false
		}
	}
	for _, path := range m.Missing {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return len(m.Files) > 0
}

func contentSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// remember keeps what was compiled. An error of keeping it is ignored.
func (c *protoCompiler) remember(names []string, files []protoreflect.FileDescriptor) {
	if c.store == nil {
		return
	}
	key := c.compiledKey(names)
	head, err := json.Marshal(c.manifest(files, time.Now()))
	if err != nil || key == "" {
		return
	}
	data := protowire.AppendBytes(nil, head)
	for _, f := range files {
		if builtin.Has(f) {
			continue
		}
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(f))
		if err != nil {
			return
		}
		if _, err := rawdesc.Weigh(raw); err != nil {
			return // it would be rejected when it is read
		}
		data = descpool.AppendFile(data, raw)
	}
	_ = c.store.Put(key, data)
}

func (c *protoCompiler) manifest(files []protoreflect.FileDescriptor, now time.Time) manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	var m manifest
	for _, f := range files {
		s, ok := c.sources[f.Path()]
		disk, err := filepath.Abs(s.disk)
		if !ok || err != nil {
			continue
		}
		m.Files = append(m.Files, manifestFile{
			Disk: disk, Size: s.info.Size(), Time: s.info.ModTime().UnixNano(), Sum: contentSum(s.text),
			Fresh: now.Sub(s.info.ModTime()) < racy,
		})
	}
	for _, p := range c.missing {
		if abs, err := filepath.Abs(p); err == nil {
			m.Missing = append(m.Missing, abs)
		}
	}
	return m
}
