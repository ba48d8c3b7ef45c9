//go:build unix

package discovery_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rpcctl/rpcctl/discovery"
)

// bufOwners is a folder that everybody may write to, with a stranger's modules beside the
// user's files, and what the user's and the stranger's b.proto each declare.
var bufOwners = map[string]string{
	"mine/a.proto":     "syntax = \"proto3\";\nimport \"b/b.proto\";\nmessage A { b.B b = 1; }\n",
	"mine/b/b.proto":   "syntax = \"proto3\";\npackage b;\nmessage B { string mine = 1; }\n",
	"theirs/b/b.proto": "syntax = \"proto3\";\npackage b;\nmessage B { string theirs = 1; }\n",
}

// A configuration around the user's files that another user wrote, or can write, is not read,
// and reported once.
func TestBufOfAnotherUser(t *testing.T) {
	const stranger = 12345
	work, module := "directories: [theirs, mine]\n", "version: v2\nmodules: [{path: theirs}, {path: mine}]\n"
	for _, tt := range []struct {
		name, file, text string
		owner            int // 0: the user
		mode             os.FileMode
		folder           os.FileMode // of the user's files; 0: of nobody else
		theirFolder      bool        // the files are in the stranger's folder
		read             bool
	}{
		{name: "one's own", file: "buf.work.yaml", text: work, mode: 0o644, read: true},
		{name: "another user's", file: "buf.work.yaml", text: work, owner: stranger, mode: 0o644},
		{name: "another user's module", file: "buf.yaml", text: module, owner: stranger, mode: 0o644},
		{name: "everybody's", file: "buf.work.yaml", text: work, mode: 0o666},
		{name: "everybody's module", file: "buf.yaml", text: module, mode: 0o646},
		{name: "everybody's, as the files are", file: "buf.yaml", text: module, mode: 0o666, folder: 0o777, read: true},
		{name: "everybody's, as the files are not", file: "buf.yaml", text: module, mode: 0o666, folder: 0o777 | os.ModeSticky},
		{name: "of whose the files are", file: "buf.yaml", text: module, owner: stranger, mode: 0o644, theirFolder: true, read: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.owner != 0 && os.Geteuid() != 0 {
				t.Skip("only root gives files away")
			}
			dir := tree(t, bufOwners)
			file, mine := filepath.Join(dir, tt.file), filepath.Join(dir, "mine")
			write := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			write(os.WriteFile(file, []byte(tt.text), 0o600))
			write(os.Chmod(file, tt.mode))
			if tt.owner != 0 {
				write(os.Chown(file, tt.owner, -1))
			}
			if tt.folder != 0 {
				write(os.Chmod(mine, tt.folder))
			}
			if tt.theirFolder {
				write(os.Chown(mine, tt.owner, -1))
			}
			t.Chdir(mine)
			for _, files := range [][]string{{"a.proto"}, {"."}, {"a.proto", "./a.proto", "."}} {
				var told []string
				s, err := discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{
					Files: files, PassedOver: func(err error) { told = append(told, err.Error()) },
				})
				write(err)
				d, err := s.Find(t.Context(), "b.B.mine")
				if read := err != nil; read != tt.read && files[0] != "." {
					t.Errorf("%s: %v, %v", files, d, err)
				}
				var want []string
				switch {
				case tt.read:
				case tt.owner != 0:
					want = []string{file + " is not read: it belongs to another user"}
				default:
					want = []string{file + " is not read: others may write to it (chmod go-w makes it yours)"}
				}
				if !slices.Equal(told, want) {
					t.Errorf("%s: told %q, want %q", files, told, want)
				}
			}
		})
	}
}

// The same holds for a module of one's own workspace.
func TestBufModuleOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	files := map[string]string{"buf.work.yaml": "directories: [mine]\n", "mine/buf.yaml": "build: {roots: [b]}\n"}
	for name, text := range bufOwners {
		files[name] = text
	}
	dir := tree(t, files)
	if err := os.Chown(filepath.Join(dir, "mine/buf.yaml"), 12345, -1); err != nil {
		t.Fatal(err)
	}
	var told []string
	s, err := discovery.OpenProtos(t.Context(), discovery.ProtofileOptions{
		Files: []string{filepath.Join(dir, "mine/a.proto")}, PassedOver: func(err error) { told = append(told, err.Error()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), "b.B.mine"); err != nil || len(told) != 1 {
		t.Error(told, err)
	}
}
