package outfile_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/rpcctl/rpcctl/internal/outfile"
)

func openRoot(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// files returns the names of all files below a folder.
func files(t *testing.T, root *os.Root) (names []string) {
	t.Helper()
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestReplace(t *testing.T) {
	root := openRoot(t, t.TempDir())
	if err := root.Mkdir("a", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, o := range []outfile.Options{{Mode: 0o600}, {Mode: 0o640, Sync: true}, {Mode: 0o400}, {}} {
		if err := outfile.Replace(root, "a/.b.yaml", []byte("text"), o); err != nil {
			t.Fatal(err)
		}
		data, err := root.ReadFile("a/.b.yaml")
		if err != nil || string(data) != "text" {
			t.Errorf("%+v: %q, %v", o, data, err)
		}
		info, err := root.Stat("a/.b.yaml")
		if err != nil {
			t.Fatal(err)
		}
		if o.Mode != 0 && runtime.GOOS != "windows" && info.Mode() != o.Mode {
			t.Errorf("%+v: the file has the mode %v", o, info.Mode())
		}
	}
	if got := files(t, root); !slices.Equal(got, []string{"a/.b.yaml"}) {
		t.Errorf("there is %v", got)
	}
}

// Where the file cannot be replaced, the old one stays and nothing is left beside it.
func TestReplaceFails(t *testing.T) {
	dir := t.TempDir()
	root := openRoot(t, dir)
	if err := root.MkdirAll("taken/by", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"taken", "out/file", "none/file", "../file"} {
		if err := outfile.Replace(root, name, []byte("x"), outfile.Options{}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if got := files(t, root); !slices.Equal(got, []string{"out"}) {
		t.Errorf("there is %v", got)
	}
}

func TestRemoveAsides(t *testing.T) {
	root := openRoot(t, t.TempDir())
	keep := []string{".a.yaml.new", ".b.yaml.X.new", "a.yaml", "a.yaml.X.new"}
	for _, name := range append([]string{".a.yaml.X.new", ".a.yaml.12345678.new"}, keep...) {
		if err := root.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !outfile.IsAside("x/.a.yaml.12345678.new") || outfile.IsAside("x/a.yaml.new") {
		t.Error("IsAside is wrong")
	}
	outfile.RemoveAsides(root, "a.yaml")
	if got := files(t, root); !slices.Equal(got, keep) {
		t.Errorf("left: %v, want %v", got, keep)
	}
}
