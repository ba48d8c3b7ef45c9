package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// ProjectFile is the name of a project's file of contexts.
const ProjectFile = ".rpcctl.yaml"

// A Store is the files of contexts that count for one working folder. It reads
// whenever it is asked and keeps nothing, so that it is safe for concurrent use, and
// so are several processes.
type Store struct {
	Dir     string // the folder of the user's file; it need not exist
	WorkDir string // the folder from which the project file is looked for, upwards; "": none is
}

// Path returns the path of the user's file.
func (s *Store) Path() string { return filepath.Join(s.Dir, "config.yaml") }

// Contexts is what the files of a Store say together.
type Contexts struct {
	User    *File // never nil; without contexts when there is no file
	Project *File // nil: there is none
	// PassedOver is a project file that is not read, since another user wrote it or can write
	// it. Nil: there is none.
	PassedOver *boundfile.ForeignError
}

// A ClashError is a name that the user's file and an untrusted project file both have.
type ClashError struct{ User, Project *Context }

func (e *ClashError) Error() string {
	return fmt.Sprintf("the context %s is in %s, and another in %s, which is not trusted", e.User.Name,
		e.User.File.Path, e.Project.File.Path)
}

// Load reads the files. The error is a *SyntaxError, or one of the file system.
func (s *Store) Load() (*Contexts, error) {
	user, err := s.loadUser()
	if err != nil {
		return nil, err
	}
	c := &Contexts{User: user}
	path := s.findProject()
	if path == "" {
		return c, nil
	}
	if c.PassedOver = boundfile.Foreign(path, ""); c.PassedOver != nil {
		return c, nil
	}
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if c.Project, err = parse(path, text); err != nil {
		return nil, err
	}
	c.Project.Project = true
	c.Project.Trusted = user.trust[path] == sum(text)
	return c, nil
}

func (s *Store) loadUser() (*File, error) {
	text, err := readFile(s.Path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := parse(s.Path(), text)
	if err != nil {
		return nil, err
	}
	f.Trusted = true
	return f, nil
}

// readFile reads a plain file that is not too large.
func readFile(path string) ([]byte, error) {
	text, err := boundfile.Plain(path, maxFile)
	switch {
	case errors.Is(err, boundfile.ErrNotPlain):
		return nil, &SyntaxError{Path: path, Text: boundfile.ErrNotPlain.Error()}
	case errors.As(err, new(*boundfile.SizeError)):
		return nil, &SyntaxError{Path: path, Text: "more than " + boundfile.Size(maxFile)}
	case err != nil:
		return nil, fmt.Errorf("reading contexts: %w", err)
	}
	return text, nil
}

// findProject returns the path of the nearest project file, "" for none.
func (s *Store) findProject() string {
	if s.WorkDir == "" {
		return ""
	}
	for dir := filepath.Clean(s.WorkDir); ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ProjectFile)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// Find returns the context of a name: that of a project file that is trusted, else the user's,
// else the project's; or nil. Where the user has one and a project file that is not trusted,
// too, the error is a *ClashError, since either could be taken for the other.
func (c *Contexts) Find(name string) (*Context, error) {
	own, project := c.User.Context(name), c.Project.Context(name)
	switch {
	case project == nil:
		return own, nil
	case own != nil && !c.Project.Trusted:
		return nil, &ClashError{own, project}
	}
	return project, nil
}

// Current returns the name of the context in use when none is named, and the file that says
// so. A project file that is not trusted counts only when the user's file names none, and
// cannot choose one of the user's contexts.
func (c *Contexts) Current() (string, *File) {
	if p := c.Project; p != nil && p.Current != "" &&
		(p.Trusted || c.User.Current == "" && p.Context(p.Current) != nil) {
		return p.Current, p
	}
	if c.User.Current != "" {
		return c.User.Current, c.User
	}
	return "", nil
}

// Names returns the names of all contexts, the project's first.
func (c *Contexts) Names() []string {
	var names []string
	for _, f := range []*File{c.Project, c.User} {
		if f == nil {
			continue
		}
		for _, x := range f.Contexts {
			names = append(names, x.Name)
		}
	}
	return names
}

// Change edits the user's file, or the project's, which is made in the working
// folder when there is none. Decide is given the files as they are, while nobody
// else may change them. A trusted project file stays trusted, and a new one is.
func (s *Store) Change(ctx context.Context, project bool, decide func(c *Contexts) ([]Edit, error)) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("making the folder for contexts: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(s.Dir, "lock"))
	if err != nil {
		return fmt.Errorf("waiting for another rpcctl that writes contexts: %w", err)
	}
	defer unlock()
	c, err := s.Load()
	if err != nil {
		return err
	}
	edits, err := decide(c)
	if err != nil || len(edits) == 0 {
		return err
	}
	if !project {
		return s.rewrite(c.User, edits)
	}
	if c.PassedOver != nil {
		return c.PassedOver
	}
	p := c.Project
	if p == nil {
		p = &File{Path: filepath.Join(s.WorkDir, ProjectFile), Project: true, Trusted: true}
	}
	if err := s.rewrite(p, edits); err != nil || !p.Trusted {
		return err
	}
	return s.vouch(c.User, p)
}

// rewrite makes edits and writes the file.
func (s *Store) rewrite(f *File, edits []Edit) error {
	text := f.text
	for _, e := range edits {
		var err error
		if text, err = apply(f.Path, text, e); err != nil {
			return err
		}
	}
	if bytes.Equal(text, f.text) && exists(f.Path) {
		return nil
	}
	// Whatever an edit does, the next command must be able to read it.
	if _, err := parse(f.Path, text); err != nil {
		return err
	}
	if err := replace(f, text); err != nil {
		return fmt.Errorf("writing contexts: %w", err)
	}
	f.text = text
	return nil
}

// How long somebody else may hold the lock, and how often it is tried.
const (
	lockLimit = 10 * time.Second
	lockPoll  = 10 * time.Millisecond
)

// lock takes the lock of a file. It is released when the process ends, at the latest.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockLimit)
	defer cancel()
	for {
		held, err := tryLock(f)
		if err == nil && held {
			return func() { _ = f.Close() }, nil
		}
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		}
	}
}
