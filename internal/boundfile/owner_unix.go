//go:build unix

package boundfile

import (
	"io/fs"
	"os"
	"syscall"
)

func foreign(path, folder string) string {
	owner, open := openFolder(folder)
	for _, look := range []func(string) (fs.FileInfo, error){os.Lstat, os.Stat} {
		info, err := look(path)
		if err != nil {
			continue // reading it tells
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		switch {
		case !ok:
		case int(st.Uid) != os.Geteuid() && st.Uid != 0 && st.Uid != owner:
			return "it belongs to another user"
		case !info.Mode().IsRegular(): // a link, whose mode says nothing, or what is not read anyway
		case !open && othersMay(info, st):
			return "others may write to it (chmod go-w makes it yours)"
		}
	}
	return ""
}

// openFolder returns who owns a folder, and whether others may replace what is in it. For ""
// the owner is root, and others may not.
func openFolder(folder string) (owner uint32, open bool) {
	if folder == "" {
		return 0, false
	}
	info, err := os.Stat(folder)
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Uid, info.Mode()&fs.ModeSticky == 0 && othersMay(info, st)
}

// othersMay reports whether users other than the owner and the user's own group may write.
func othersMay(info fs.FileInfo, st *syscall.Stat_t) bool {
	return info.Mode().Perm()&0o002 != 0 || info.Mode().Perm()&0o020 != 0 && int(st.Gid) != os.Getegid()
}
