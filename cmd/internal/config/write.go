package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// replace writes a file anew. A link, as dotfile managers make them, stays one; that of a
// project may not lead out of its folder. The user's file is the user's alone, and that of a
// project keeps its mode.
func (s *Store) replace(f *File, text []byte) error {
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if !f.Project {
		return s.write(path, text, 0o600)
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
		return s.write(path, text, 0)
	case err != nil:
		return err
	}
	return s.write(path, text, info.Mode().Perm())
}

// write replaces a file: the new one is made aside, complete and on the disk before it takes
// the place of the old one. Mode 0 is that of a new file, less the user's umask. Somebody must
// hold the lock.
func (s *Store) write(path string, text []byte, mode fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	prefix := "." + strings.TrimPrefix(filepath.Base(path), ".") + "."
	removeLeftovers(dir, prefix)
	made := fs.FileMode(0o600)
	if mode == 0 {
		made = 0o644
	}
	aside := fmt.Sprintf("%s%d.%d.new", prefix, os.Getpid(), time.Now().UnixNano())
	f, err := os.OpenFile(filepath.Join(dir, aside), os.O_WRONLY|os.O_CREATE|os.O_EXCL, made)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	if mode != 0 {
		err = errors.Join(err, f.Chmod(mode))
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	rename := s.rename
	if rename == nil {
		rename = os.Rename
	}
	if err := rename(f.Name(), path); err != nil {
		return err
	}
	// The name, too, is to survive a power cut; not all systems can.
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
	return nil
}

// removeLeftovers removes what a process left that ended while it wrote.
func removeLeftovers(dir, prefix string) {
	left, err := filepath.Glob(filepath.Join(dir, prefix+"*.new"))
	if err != nil {
		return
	}
	for _, path := range left {
		_ = os.Remove(path)
	}
}
