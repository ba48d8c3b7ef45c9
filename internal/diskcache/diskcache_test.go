package diskcache

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCache(t *testing.T) {
	c := New(filepath.Join(t.TempDir(), "rpcctl"))
	if _, _, ok := c.Get("a", "k"); ok {
		t.Error("an empty cache has an entry")
	}
	for _, g := range []string{"a", "../b"} {
		if err := c.Put(g, "../../k", []byte("data of "+g)); err != nil {
			t.Fatal(err)
		}
	}
	for _, g := range []string{"a", "../b"} {
		data, _, ok := c.Get(g, "../../k")
		if !ok || string(data) != "data of "+g {
			t.Errorf("%q: %q, %v", g, data, ok)
		}
	}
	then := time.Unix(1_000_000, 0)
	c.Touch("a", "../../k", then)
	if _, at, _ := c.Get("a", "../../k"); !at.Equal(then) {
		t.Errorf("touched at %v, want %v", at, then)
	}
	entries, err := c.Entries()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Group+" "+e.Key)
	}
	if diff := cmp.Diff([]string{"../b ../../k", "a ../../k"}, got); diff != "" {
		t.Error(diff)
	}
	if err := c.Drop("a"); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := c.Get("a", "../../k"); ok {
		t.Error("a dropped group has an entry")
	}
	c.Remove("../b", "../../k")
	if _, _, ok := c.Get("../b", "../../k"); ok {
		t.Error("a removed entry is there")
	}
}

func TestCacheIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders of a user's profile are private there, and have no such modes")
	}
	dir := filepath.Join(t.TempDir(), "rpcctl")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil { // whatever the umask
		t.Fatal(err)
	}
	if err := New(dir).Put("g", "k", []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onlyEntry returns the one file of a cache.
func onlyEntry(t *testing.T, c *Cache) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Dir(), "g-*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	return files[0]
}

func TestDamagedEntryIsAMiss(t *testing.T) {
	whole := func() []byte {
		c := New(t.TempDir())
		if err := c.Put("g", "k", []byte("some data")); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(onlyEntry(t, c))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}()
	cases := map[string][]byte{
		"empty": {}, "cut": whole[:len(whole)-1], "header alone": whole[:headerSize], "longer": append(bytes.Clone(whole), 0),
		"another form": append([]byte("rpcctl2\n"), whole[8:]...), "random": bytes.Repeat([]byte{0xa5}, 4096),
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		cases[fmt.Sprintf("bit of byte %d", i)] = flipped
	}
	for name, raw := range cases {
		c := New(t.TempDir())
		if err := c.Put("g", "k", []byte("some data")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(onlyEntry(t, c), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if data, _, ok := c.Get("g", "k"); ok {
			t.Errorf("%s: got %q", name, data)
		}
		if err := c.Put("g", "k", []byte("new")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if data, _, ok := c.Get("g", "k"); !ok || string(data) != "new" {
			t.Errorf("%s: %q, %v after it was put again", name, data, ok)
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := New(t.TempDir())
	c.maxBytes, c.maxEntries = 4096, 5
	began := time.Now().Add(-time.Hour)
	for i := range 20 {
		key := fmt.Sprint(i)
		if err := c.Put("g", key, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		c.Touch("g", key, began.Add(time.Duration(i)*time.Second))
	}
	if err := c.Put("g", "great", make([]byte, 3900)); err != nil {
		t.Fatal(err)
	}
	entries, err := c.Entries()
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	var total int64
	for _, e := range entries {
		keys = append(keys, e.Key)
		total += e.Bytes
	}
	if diff := cmp.Diff([]string{"19", "great"}, keys); diff != "" || total > 4096 {
		t.Errorf("%d bytes, %s", total, diff)
	}
	if err := c.Put("g", "k", make([]byte, maxEntry)); err == nil {
		t.Error("an entry beyond all bounds was kept")
	}
}

// What a writer left behind is removed after a while, and files that are not ours stay.
func TestCacheTidies(t *testing.T) {
	c := New(t.TempDir())
	if err := c.Put("g", "k", []byte("x")); err != nil {
		t.Fatal(err)
	}
	entry := onlyEntry(t, c)
	left := filepath.Join(filepath.Dir(entry), "."+filepath.Base(entry)+".ABCDEFGH.new")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * maxAge)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(c.Dir(), "notes.txt")
	if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Put("g", "k2", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("the rest of a write is still there")
	}
	if err := c.Clear(); err != nil {
		t.Fatal(err)
	}
	if entries, err := c.Entries(); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v after clearing", entries, err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error("clearing has removed a file of somebody else")
	}
}

func TestCacheWithoutAFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*Cache{"none": New(""), "nil": nil, "below a file": New(filepath.Join(file, "x"))} {
		if err := c.Put("g", "k", nil); err == nil {
			t.Errorf("%s: put without an error", name)
		}
		if _, _, ok := c.Get("g", "k"); ok {
			t.Errorf("%s: got something", name)
		}
	}
	if entries, err := New("").Entries(); err != nil || entries != nil {
		t.Errorf("%v, %v", entries, err)
	}
}

// Two processes fill one cache while a third reads: every entry that is read is a
// whole one, and it is that of one of the writers.
func TestCacheOfManyProcesses(t *testing.T) {
	const env = "DISKCACHE_TEST_WRITER"
	if spec := os.Getenv(env); spec != "" {
		dir, fill, _ := strings.Cut(spec, "|")
		c := New(dir)
		for i := range 200 {
			if err := c.Put("g", fmt.Sprint(i%7), bytes.Repeat([]byte(fill), 10_000)); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	done := make(chan error, 2)
	for _, fill := range []string{"a", "b"} {
		cmd := exec.Command(exe, "-test.run=^TestCacheOfManyProcesses$")
		cmd.Env = append(os.Environ(), env+"="+dir+"|"+fill)
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			done <- err
		}()
	}
	c := New(dir)
	for running := 2; running > 0; {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			running--
		default:
		}
		for i := range 7 {
			data, _, ok := c.Get("g", fmt.Sprint(i))
			if ok && (len(data) != 10_000 || bytes.Count(data, data[:1]) != len(data)) {
				t.Fatalf("an entry of %d bytes is mixed", len(data))
			}
		}
	}
	entries, err := c.Entries()
	if err != nil || len(entries) != 7 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte("rpcctl1\n\x00\x00\x00\x00\x02\x00\x00\x00g\x00"))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		key, data, err := parse(raw)
		if err == nil && headerSize+len(key)+len(data) != len(raw) {
			t.Errorf("%d and %d of %d bytes", len(key), len(data), len(raw))
		}
	})
}
