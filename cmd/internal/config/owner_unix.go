//go:build unix

package config

import (
	"io/fs"
	"os"
	"syscall"
)

// foreign returns why a project file is not to be read: it, or the link to it, belongs to another
// user, or others may write to it. It returns "" for a file to read. Files of root are accepted,
// and so is write access for the user's own group.
func foreign(path string) string {
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := look(path)
		if err != nil {
			continue // reading it tells
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok:
		case int(st.Uid) != os.Geteuid() && st.Uid != 0:
			return "it belongs to another user"
		case info.Mode()&fs.ModeSymlink != 0: // whose mode says nothing
		case info.Mode().Perm()&0o002 != 0, info.Mode().Perm()&0o020 != 0 && int(st.Gid) != os.Getegid():
			return "others may write to it (chmod go-w makes it yours)"
		}
	}
	return ""
}
