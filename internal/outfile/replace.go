package outfile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Options of Replace.
type Options struct {
	Mode fs.FileMode // permissions, whatever the umask; 0: those of a new file
	Sync bool        // wait until the file and its name survive a power cut, where the system can
}

// Replace puts a file under a name below a folder, whole or not at all: it writes the data
// under another name beside it, and renames that. No link leads it out of the folder. What a
// process that ends meanwhile leaves has a name that IsAside knows.
func Replace(root *os.Root, name string, data []byte, o Options) (err error) {
	made := fs.FileMode(0o600) // until it has the mode that is asked for
	if o.Mode == 0 {
		made = 0o644
	}
	aside := path.Join(path.Dir(name), asidePrefix(name)+rand.Text()[:8]+asideSuffix)
	f, err := root.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, made)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Remove(aside))
		}
	}()
	_, err = f.Write(data)
	if o.Mode != 0 {
		err = errors.Join(err, f.Chmod(o.Mode))
	}
	if o.Sync {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = root.Rename(aside, name); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if o.Sync {
		syncFolder(root, path.Dir(name))
	}
	return nil
}

// syncFolder makes the names in a folder survive a power cut, on systems that can.
func syncFolder(root *os.Root, name string) {
	if folder, err := root.Open(name); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}

const asideSuffix = ".new"

// asidePrefix returns the beginning of the names under which a file is written aside.
func asidePrefix(name string) string { return "." + strings.TrimPrefix(path.Base(name), ".") + "." }

// IsAside reports whether a file of this name is one that Replace has not renamed yet.
func IsAside(name string) bool {
	return strings.HasPrefix(path.Base(name), ".") && strings.HasSuffix(name, asideSuffix)
}

// RemoveAsides removes what is left of processes that ended in Replace of the file. The caller
// makes sure that none is running.
func RemoveAsides(root *os.Root, name string) {
	entries, err := fs.ReadDir(root.FS(), path.Dir(name))
	if err != nil {
		return
	}
	for _, e := range entries {
		random, ours := strings.CutPrefix(e.Name(), asidePrefix(name))
		if ours && strings.HasSuffix(random, asideSuffix) {
			_ = root.Remove(path.Join(path.Dir(name), e.Name()))
		}
	}
}
