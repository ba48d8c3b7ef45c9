package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rpcctl/rpcctl/internal/outfile"
)

// replace writes a file anew. A link, as dotfile managers make them, stays one; that of a
// project may not lead out of its folder. The user's file is the user's alone, and that of a
// project keeps its mode.
func replace(f *File, text []byte) error {
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if !f.Project {
		return write(path, text, 0o600)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(f.Path))
	if err != nil {
		return err
	}
	if rel, err := filepath.Rel(folder, path); err != nil || !filepath.IsLocal(rel) {
		if info, err := os.Lstat(f.Path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a link out of its folder, to %s", f.Path, path)
		}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(f.Path); err == nil {
			return fmt.Errorf("%s is a link to what is not there", f.Path)
		}
		return write(path, text, 0)
	case err != nil:
		return err
	}
	return write(path, text, info.Mode().Perm())
}

// write replaces a file, or makes one of mode 0, which is that of any new file. Somebody must
// hold the lock.
func write(path string, text []byte, mode fs.FileMode) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(path)
	outfile.RemoveAsides(root, name)
	return outfile.Replace(root, name, text, outfile.Options{Mode: mode, Sync: true})
}
