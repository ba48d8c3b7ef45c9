// Command gen writes the licences of all that is linked into rpcctl, on any system and with any
// tag, to notices.txt.gz. It is run by go generate ./internal/notices after go.mod has changed.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A module is one that is linked, with the files that say on what terms.
type module struct {
	name, version, dir string
	files              map[string]bool // paths below dir
}

func run() error {
	modules := map[string]*module{}
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, tags := range []string{"", "xds"} {
			if err := collect(modules, system, tags); err != nil {
				return err
			}
		}
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	modules[""] = &module{
		name: "The Go standard library", dir: strings.TrimSpace(string(goroot)),
		files: map[string]bool{"LICENSE": true},
	}
	var text bytes.Buffer
	text.WriteString("rpcctl is linked with the following. Each has terms of its own.\n")
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		if err := modules[name].write(&text); err != nil {
			return err
		}
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text.Bytes()); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile("notices.txt.gz", packed.Bytes(), 0o644)
}

// collect adds the modules that are linked on a system.
func collect(modules map[string]*module, system, tags string) error {
	c := exec.Command("go", "list", "-deps", "-tags", tags, "-json=Dir,Module", "github.com/rpcctl/rpcctl")
	c.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0")
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil {
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir    string
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Main {
			continue
		}
		m := modules[p.Module.Path]
		if m == nil {
			m = &module{p.Module.Path, p.Module.Version, p.Module.Dir, map[string]bool{}}
			modules[m.name] = m
		}
		if err := m.look(p.Dir); err != nil {
			return err
		}
	}
}

// look finds the terms in the folder of a package and those around it: parts of a module may
// have others.
func (m *module) look(dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && terms(e.Name()) {
				path, err := filepath.Rel(m.dir, filepath.Join(dir, e.Name()))
				if err != nil {
					return err
				}
				m.files[path] = true
			}
		}
		if dir == m.dir {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// terms reports whether a file of that name says on what terms something is passed on.
func terms(name string) bool {
	name = strings.ToUpper(name)
	if strings.HasSuffix(name, ".GO") {
		return false
	}
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS", "COPYRIGHT"},
		func(begin string) bool { return strings.HasPrefix(name, begin) })
}

func (m *module) write(w *bytes.Buffer) error {
	if len(m.files) == 0 {
		return fmt.Errorf("%s: no file says on what terms it may be passed on", m.name)
	}
	fmt.Fprintf(w, "\n%s\n%s\n", strings.Repeat("=", 80), strings.TrimSpace(m.name+" "+m.version))
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		text, err := os.ReadFile(filepath.Join(m.dir, path))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n-- %s --\n%s\n", filepath.ToSlash(path),
			strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"))
	}
	return nil
}
