// Package diskcache keeps bytes under names in a private folder, for the next
// process. Whatever is wrong with an entry, or with the folder, is a miss: a cache
// is never a reason for a command to fail.
//
// The main type is Cache. Many processes may use one folder at the same time: an
// entry is written aside and renamed, so that nobody ever reads half of one.
package diskcache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/outfile"
)

// The bounds of a folder. The least recently confirmed entries go first.
const (
	MaxBytes   = 256 << 20 // of all entries
	MaxEntries = 20_000
	maxEntry   = 96 << 20 // bytes of one entry
	// maxAge is how long a file that was being written is left alone.
	maxAge = time.Hour
)

// A Cache keeps entries in groups below one folder. The zero value keeps nothing.
// It is safe for concurrent use.
type Cache struct {
	dir        string
	maxBytes   int64
	maxEntries int
}

// New makes a cache in a folder, which is made when something is first put into
// it, for its owner alone. The empty string is a cache that keeps nothing.
func New(dir string) *Cache { return &Cache{dir: dir, maxBytes: MaxBytes, maxEntries: MaxEntries} }

// Dir returns the folder, "" for a cache that keeps nothing.
func (c *Cache) Dir() string {
	if c == nil {
		return ""
	}
	return c.dir
}

// An entry is a header, its key and its data. The header:
//
//	magic    8 bytes
//	sum      4 bytes, CRC-32C of all that follows
//	key      4 bytes, length of the key, which is that of the group, a zero byte,
//	         and that in the group
const headerSize = 16

// magic begins an entry, with the version of the form.
const magic = "rpcctl1\n"

// castagnoli makes the sums of entries; it detects damage, not malice: whoever can write here
// can act as the user.
func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// errDamaged is an entry that is not one. Nobody outside sees it.
var errDamaged = errors.New("the entry is damaged")

// Get returns the data of an entry and the time when it was last put or touched.
// The slice is the caller's.
func (c *Cache) Get(group, key string) (data []byte, at time.Time, ok bool) {
	root, err := c.open(false)
	if err != nil {
		return nil, time.Time{}, false
	}
	defer root.Close()
	name := c.name(group, key)
	data, at, err = read(root, name, full(group, key))
	if errors.Is(err, errDamaged) {
		_ = root.Remove(name)
	}
	return data, at, err == nil
}

func read(root *os.Root, name, key string) ([]byte, time.Time, error) {
	raw, info, err := boundfile.PlainBelow(root, name, maxEntry)
	switch {
	case errors.Is(err, boundfile.ErrNotPlain), errors.As(err, new(*boundfile.SizeError)):
		return nil, time.Time{}, errDamaged
	case err != nil:
		return nil, time.Time{}, err
	}
	stored, data, err := parse(raw)
	if err == nil && stored != key {
		err = errDamaged
	}
	return data, info.ModTime(), err
}

// parse takes an entry apart.
func parse(raw []byte) (key string, data []byte, err error) {
	if len(raw) < headerSize || string(raw[:8]) != magic {
		return "", nil, errDamaged
	}
	if binary.LittleEndian.Uint32(raw[8:]) != crc32.Checksum(raw[12:], castagnoli()) {
		return "", nil, errDamaged
	}
	n := int64(binary.LittleEndian.Uint32(raw[12:]))
	if n > int64(len(raw)-headerSize) {
		return "", nil, errDamaged
	}
	return string(raw[headerSize : headerSize+n]), raw[headerSize+n:], nil
}

// Put keeps data under a key. The error says why it could not be kept, which most
// callers have no use for.
func (c *Cache) Put(group, key string, data []byte) error {
	if len(data)+len(group)+len(key)+headerSize >= maxEntry {
		return fmt.Errorf("keeping %d bytes: more than %d MiB", len(data), maxEntry>>20)
	}
	root, err := c.open(true)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Mkdir(folder(group), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	name := full(group, key)
	replaced, _ := root.Lstat(c.name(group, key)) // nil: there is none
	raw := make([]byte, headerSize, headerSize+len(name)+len(data))
	copy(raw, magic)
	binary.LittleEndian.PutUint32(raw[12:], uint32(len(name)))
	raw = append(append(raw, name...), data...)
	binary.LittleEndian.PutUint32(raw[8:], crc32.Checksum(raw[12:], castagnoli()))
	if err := outfile.Replace(root, c.name(group, key), raw, outfile.Options{Mode: 0o600}); err != nil {
		return err
	}
	if replaced != nil && replaced.Size() >= int64(len(raw)) {
		return nil // nothing has become more
	}
	return c.trim(root)
}

// Touch tells that an entry still holds, at a time.
func (c *Cache) Touch(group, key string, at time.Time) {
	root, err := c.open(false)
	if err != nil {
		return
	}
	defer root.Close()
	// An entry that is gone by now has nothing to confirm.
	_ = root.Chtimes(c.name(group, key), at, at)
}

// Remove removes one entry.
func (c *Cache) Remove(group, key string) {
	root, err := c.open(false)
	if err != nil {
		return
	}
	defer root.Close()
	_ = root.Remove(c.name(group, key))
}

// Drop removes all entries of a group.
func (c *Cache) Drop(group string) error {
	root, err := c.open(false)
	if err != nil {
		return ignoreMissing(err)
	}
	defer root.Close()
	return root.RemoveAll(folder(group))
}

// Clear removes all that is kept, and nothing else that may lie in the folder.
func (c *Cache) Clear() error {
	root, err := c.open(false)
	if err != nil {
		return ignoreMissing(err)
	}
	defer root.Close()
	names, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var errs []error
	for _, n := range names {
		if isFolder(n.Name()) {
			errs = append(errs, root.RemoveAll(n.Name()))
		}
	}
	return errors.Join(errs...)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNowhere) {
		return nil
	}
	return err
}

// errNowhere is the error of a cache that keeps nothing.
var errNowhere = errors.New("there is no folder to keep anything in")

// open opens the folder. Its owner alone may look into it.
func (c *Cache) open(make bool) (*os.Root, error) {
	if c == nil || c.dir == "" {
		return nil, errNowhere
	}
	if make {
		if err := os.MkdirAll(c.dir, 0o700); err != nil {
			return nil, err
		}
		if info, err := os.Stat(c.dir); err == nil && info.Mode().Perm()&0o077 != 0 {
			if err := os.Chmod(c.dir, 0o700); err != nil {
				return nil, err
			}
		}
	}
	return os.OpenRoot(c.dir)
}

// name is the file of an entry. Groups and keys come from outside and never
// choose a path.
func (c *Cache) name(group, key string) string { return path.Join(folder(group), digest(key)) }

// full is the key that an entry is stored with.
func full(group, key string) string { return group + "\x00" + key }

// folderPrefix tells our folders from others.
const folderPrefix = "g-"

func folder(group string) string { return folderPrefix + digest(group) }

func isFolder(name string) bool {
	return strings.HasPrefix(name, folderPrefix) && len(name) == len(folderPrefix)+32
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// A Group is one group of a cache.
type Group struct {
	cache *Cache
	name  string
}

// Group returns the group of a name.
func (c *Cache) Group(name string) *Group { return &Group{c, name} }

// Get is that of the cache.
func (g *Group) Get(key string) (data []byte, at time.Time, ok bool) { return g.cache.Get(g.name, key) }

// Put is that of the cache.
func (g *Group) Put(key string, data []byte) error { return g.cache.Put(g.name, key, data) }

// Touch is that of the cache.
func (g *Group) Touch(key string, at time.Time) { g.cache.Touch(g.name, key, at) }

// Remove is that of the cache.
func (g *Group) Remove(key string) { g.cache.Remove(g.name, key) }

// Drop is that of the cache.
func (g *Group) Drop() error { return g.cache.Drop(g.name) }
