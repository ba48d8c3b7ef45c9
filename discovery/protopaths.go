package discovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
)

// A protoPattern is a folder, or a glob, of .proto files.
type protoPattern struct {
	typed string
	base  string   // the folder to look in
	parts []string // what a path below it must match, "**" for any folders; nil: everything
}

// IsProtoPattern reports whether a name of .proto files is that of a folder, or has a
// *, ? or [ that makes it a pattern for several.
func IsProtoPattern(name string) bool {
	if info, err := os.Stat(name); err == nil {
		return info.IsDir()
	}
	return strings.ContainsAny(name, "*?[")
}

func parsePattern(name string) protoPattern {
	p := protoPattern{typed: name, base: name}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return p
	}
	parts := strings.Split(filepath.ToSlash(name), "/")
	first := slices.IndexFunc(parts, func(s string) bool { return strings.ContainsAny(s, "*?[") })
	if first < 0 {
		first = len(parts) - 1
	}
	p.base, p.parts = filepath.FromSlash(strings.Join(parts[:first], "/")), parts[first:]
	switch {
	case p.base == "" && strings.HasPrefix(name, "/"):
		p.base = "/"
	case p.base == "":
		p.base = "."
	}
	return p
}

// matches reports whether a path below the base, with slashes, fits.
func (p protoPattern) matches(name string) bool {
	if p.parts == nil {
		return strings.HasSuffix(name, ".proto")
	}
	return matchParts(p.parts, strings.Split(name, "/"))
}

func matchParts(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchParts(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}

// find returns the places of the files that fit, sorted. Folders whose name begins
// with a dot are passed over, and so are links to folders.
func (p protoPattern) find() ([]string, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var found []string
	err := filepath.WalkDir(p.base, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			if file == p.base {
				return err
			}
			return nil // one folder that cannot be read does not hide the others
		}
		if d.IsDir() {
			if file != p.base && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		rel, rerr := filepath.Rel(p.base, file)
		if rerr == nil && p.matches(filepath.ToSlash(rel)) && !d.IsDir() {
			found = append(found, file)
		}
		if len(found) > descpool.MaxFiles {
			return fmt.Errorf("more than %d files", descpool.MaxFiles)
		}
		return nil
	})
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	if err == nil && len(found) == 0 {
		err = errNoProto
	}
	if err != nil {
		return nil, &ImportError{Import: p.typed, Err: err}
	}
	return found, nil
}

var errNoProto = errors.New("no .proto file there")

func (p protoPattern) check() error {
	for _, part := range p.parts {
		if _, err := path.Match(part, ""); err != nil {
			return &ImportError{Import: p.typed, Err: errors.New("the pattern is not one: a [ does not end")}
		}
	}
	if stars := len(p.parts) - len(slices.DeleteFunc(slices.Clone(p.parts),
		func(s string) bool { return s == "**" })); stars > 3 {
		return &ImportError{Import: p.typed, Err: errors.New("more than three ** in a pattern")}
	}
	return nil
}
