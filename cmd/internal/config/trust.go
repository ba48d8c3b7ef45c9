package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// Trust records that the user vouches for a project file, by the bytes that f was read from:
// what has taken their place since is not trusted. A nil f takes the trust in the project's
// file away.
func (s *Store) Trust(ctx context.Context, f *File) error {
	return s.Change(ctx, false, func(c *Contexts) ([]Edit, error) {
		if f != nil {
			return nil, s.vouch(c.User, f)
		}
		if c.Project == nil {
			return nil, &fs.PathError{Op: "open", Path: ProjectFile, Err: fs.ErrNotExist}
		}
		old := c.User.trust[c.Project.Path]
		return []Edit{{Path: []string{"trusted", c.Project.Path}}}, s.dropCopy(c.User, c.Project.Path, old)
	})
}

// vouch records the sum of a project file, and keeps a copy to tell the difference from.
func (s *Store) vouch(user, f *File) error {
	old := user.trust[f.Path]
	if err := s.rewrite(user, []Edit{{Path: []string{"trusted", f.Path}, Values: []string{sum(f.text)}}}); err != nil {
		return err
	}
	if old == sum(f.text) {
		return nil
	}
	name := s.copyName(sum(f.text))
	err := os.MkdirAll(filepath.Dir(name), 0o700)
	if err == nil {
		err = write(name, f.text, 0o600)
	}
	return errors.Join(err, s.dropCopy(user, f.Path, old))
}

// Vouched returns the text of a project file as it was when the user vouched for it, and
// whether the user ever did. Without a copy the text is nil.
func (c *Contexts) Vouched(s *Store) (text []byte, ever bool) {
	if c.Project == nil {
		return nil, false
	}
	was, ever := c.User.trust[c.Project.Path]
	if !ever {
		return nil, false
	}
	text, err := boundfile.Plain(s.copyName(was), maxFile)
	if err != nil || sum(text) != was {
		return nil, true
	}
	return text, true
}

// copyName is the path of the copy of a text with a sum.
func (s *Store) copyName(sum string) string {
	_, digits, _ := strings.Cut(sum, ":")
	return filepath.Join(s.Dir, "trusted", filepath.Base(digits)+".yaml")
}

// dropCopy removes the copy of the file at a path, unless the copy is that of another file
// too.
func (s *Store) dropCopy(user *File, path, was string) error {
	for other, sum := range user.trust {
		if other != path && sum == was {
			return nil
		}
	}
	if err := os.Remove(s.copyName(was)); was != "" && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
