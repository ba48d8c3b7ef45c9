package discovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/rpcctl/rpcctl/discovery/internal/timelimit"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/yamlbound"
)

// bufConfig is what buf.yaml and buf.work.yaml tell of the folders that imports are
// relative to (https://buf.build/docs/configuration/v2/buf-yaml/).
type bufConfig struct {
	Directories []string `yaml:"directories"` // of buf.work.yaml
	Modules     []struct {
		Path     string   `yaml:"path"`
		Excludes []string `yaml:"excludes"`
	} `yaml:"modules"`
	Build struct {
		Roots    []string `yaml:"roots"`
		Excludes []string `yaml:"excludes"`
	} `yaml:"build"`
	Deps []string `yaml:"deps"`
}

// A bufWorkspace has the roots of the modules of a workspace, or of one module.
type bufWorkspace struct {
	file     string   // the configuration
	roots    []string // folders that imports are relative to
	excludes []string // folders below them that do not belong to it
	deps     []string // modules of a registry that it depends on
}

// maxBufFile is the size in bytes of the greatest configuration that is read.
const maxBufFile = 64 << 10

// maxFolders is how many roots, and how many excluded folders, a workspace may have.
const maxFolders = 1000

// maxParents is how many folders up from a file a configuration is looked for.
const maxParents = 24

// findBuf looks for the configuration of buf in a folder and those around it. A workspace
// around a module takes precedence. There may be none. A configuration that another user
// wrote, or can write, is not used, and passedOver gets the reason.
func findBuf(ctx context.Context, folder string, passedOver func(error)) (*bufWorkspace, error) {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	var found *bufWorkspace
	for range maxParents {
		for _, name := range []string{"buf.work.yaml", "buf.yaml"} {
			w, err := readBuf(ctx, filepath.Join(dir, name), folder, passedOver)
			if err != nil {
				return nil, err
			}
			if w == nil {
				continue
			}
			if found == nil || name == "buf.work.yaml" && w.contains(found) {
				found = w
			}
		}
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	return found, nil
}

// contains reports whether a workspace has the module that another configuration is.
func (w *bufWorkspace) contains(module *bufWorkspace) bool {
	for _, r := range w.roots {
		if rel, err := filepath.Rel(r, filepath.Dir(module.file)); err == nil && rel == "." {
			return true
		}
	}
	return false
}

// readBuf reads a configuration for a folder. It returns nil when there is none that may be
// read.
func readBuf(ctx context.Context, file, folder string, passedOver func(error)) (*bufWorkspace, error) {
	if err := boundfile.Foreign(file, folder); err != nil {
		if passedOver != nil {
			passedOver(err)
		}
		return nil, nil
	}
	text, err := boundfile.Plain(file, maxBufFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parseBuf(text)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("%s: %s", file, first)
	}
	w := &bufWorkspace{file: file, deps: c.Deps}
	dir := filepath.Dir(file)
	switch {
	case filepath.Base(file) == "buf.work.yaml":
		if err := w.add(&w.roots, dir, c.Directories); err != nil {
			return nil, err
		}
		return w, w.addModules(ctx, folder, passedOver)
	case len(c.Modules) > 0:
		for _, m := range c.Modules {
			if err := errors.Join(w.add(&w.roots, dir, []string{m.Path}),
				w.add(&w.excludes, dir, m.Excludes)); err != nil {
				return nil, err
			}
		}
	case len(c.Build.Roots) > 0:
		if err := w.add(&w.roots, dir, c.Build.Roots); err != nil {
			return nil, err
		}
	default:
		w.roots = []string{dir}
	}
	return w, w.add(&w.excludes, dir, c.Build.Excludes)
}

// add adds folders that a configuration names, each below base.
func (w *bufWorkspace) add(to *[]string, base string, paths []string) error {
	if len(*to)+len(paths) > maxFolders {
		return w.tooMany()
	}
	for _, p := range paths {
		if p = filepath.FromSlash(p); p != "" && !filepath.IsLocal(p) {
			return fmt.Errorf("%s: the folder %q is not below its own", w.file, p)
		}
		*to = append(*to, filepath.Join(base, p))
	}
	return nil
}

// parseBuf reads the text of a configuration.
func parseBuf(text []byte) (c bufConfig, err error) {
	// The parser is large, and the file may come from anybody: it may panic.
	defer func() {
		if r := recover(); r != nil {
			err = errors.New("it cannot be read as YAML")
		}
	}()
	limits := yamlbound.Limits{Depth: 20, Marks: 20_000, Keys: 1000}
	tokens, past := yamlbound.Tokenize(text, limits)
	if past != nil {
		return c, errors.New(past.Problem)
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return c, err
	}
	if past := limits.Aliases(file); past != nil {
		return c, errors.New(past.Problem)
	}
	err = yaml.Unmarshal(text, &c)
	return c, err
}

// addModules looks into the modules of a workspace, which may have roots of their
// own.
func (w *bufWorkspace) addModules(ctx context.Context, folder string, passedOver func(error)) error {
	folders := w.roots
	w.roots = nil
	for _, dir := range folders {
		if ctx.Err() != nil {
			return timelimit.Err(ctx)
		}
		m, err := readBuf(ctx, filepath.Join(dir, "buf.yaml"), folder, passedOver)
		switch {
		case err != nil:
			return err
		case m == nil:
			w.roots = append(w.roots, dir)
		default:
			w.roots = append(w.roots, m.roots...)
			w.excludes = append(w.excludes, m.excludes...)
			w.deps = append(w.deps, m.deps...)
		}
		if max(len(w.roots), len(w.excludes), len(w.deps)) > maxFolders {
			return w.tooMany()
		}
	}
	return nil
}

func (w *bufWorkspace) tooMany() error {
	return fmt.Errorf("%s: more than %d folders are too many", w.file, maxFolders)
}

// excluded reports whether a file is in a folder that does not belong to the workspace.
func (w *bufWorkspace) excluded(file string) bool {
	if w == nil {
		return false
	}
	for _, dir := range w.excludes {
		if _, in := below(dir, file); in {
			return true
		}
	}
	return false
}
