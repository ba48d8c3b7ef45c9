package diskcache

import (
	"cmp"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/outfile"
)

// An Entry describes an entry of the cache. It is a copy.
type Entry struct {
	Group, Key string // as Put was given them
	Bytes      int64  // on disk
	At         time.Time
}

// A kept is a file of the cache.
type kept struct {
	name    string
	bytes   int64
	modTime time.Time
}

// list returns the files of all groups, and removes what writers left behind.
func list(root *os.Root, now time.Time) ([]kept, error) {
	groups, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, err
	}
	var files []kept
	for _, g := range groups {
		if !g.IsDir() || !isFolder(g.Name()) {
			continue
		}
		names, err := fs.ReadDir(root.FS(), g.Name())
		if err != nil {
			continue // another process has removed it
		}
		for _, n := range names {
			info, err := n.Info()
			if err != nil {
				continue
			}
			name := path.Join(g.Name(), n.Name())
			if outfile.IsAside(name) && now.Sub(info.ModTime()) > maxAge {
				_ = root.Remove(name)
				continue
			}
			files = append(files, kept{name, info.Size(), info.ModTime()})
		}
	}
	return files, nil
}

// trim removes the oldest entries while there are too many.
func (c *Cache) trim(root *os.Root) error {
	files, err := list(root, time.Now())
	if err != nil {
		return err
	}
	var total int64
	for _, f := range files {
		total += f.bytes
	}
	if total <= c.maxBytes && len(files) <= c.maxEntries {
		return nil
	}
	slices.SortFunc(files, func(a, b kept) int { return a.modTime.Compare(b.modTime) })
	count := len(files)
	for _, f := range files {
		if total <= c.maxBytes && count <= c.maxEntries {
			break
		}
		// Another process may have removed it, which is as good.
		_ = root.Remove(f.name)
		total -= f.bytes
		count--
	}
	return nil
}

// Entries returns all whole entries, by group and then key.
func (c *Cache) Entries() ([]Entry, error) {
	root, err := c.open(false)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer root.Close()
	files, err := list(root, time.Now())
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, f := range files {
		if group, key, ok := readKey(root, f.name); ok {
			entries = append(entries, Entry{Group: group, Key: key, Bytes: f.bytes, At: f.modTime})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Key, b.Key))
	})
	return entries, nil
}

func readKey(root *os.Root, name string) (group, key string, ok bool) {
	raw, _, err := boundfile.PlainBelow(root, name, maxEntry)
	if err != nil {
		return "", "", false
	}
	stored, _, err := parse(raw)
	group, key, ok = strings.Cut(stored, "\x00")
	return group, key, err == nil && ok
}
