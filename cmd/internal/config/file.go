package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A File is what a file of contexts says.
type File struct {
	Path     string
	Current  string // the context in use when none is named; "": none
	Contexts []*Context
	Warnings []Warning
	Project  bool // it belongs to a folder, not to the user
	Trusted  bool // the user's own, or a project's that the user has vouched for

	trust map[string]string // of the user's file: the sums of project files, by path
	text  []byte
}

// A Context is named settings.
type Context struct {
	Name     string
	Line     int
	Settings []Setting // in the order of the file
	File     *File
}

// A Setting is one value of a context.
type Setting struct {
	Key    string // a name of Keys, or headers.NAME
	Values []string
	Ref    Ref // what the value of a header refers to
	Line   int // from 1
}

// A Ref says where a value is that is not in the file.
type Ref string

// The places that a header can refer to.
const (
	Literal Ref = ""
	Env     Ref = "env"
	InFile  Ref = "file"
)

// A Warning is something in a file that is not understood, and kept.
type Warning struct {
	Line int
	Text string
}

// A SyntaxError is a file that cannot be read.
type SyntaxError struct {
	Path string
	Line int // from 1; 0: unknown
	Text string
}

func (e *SyntaxError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, e.Text)
	}
	return e.Path + ": " + e.Text
}

// Text returns the bytes that the file was read from, which are not to be changed.
func (f *File) Text() []byte { return f.text }

// Context returns the context of a name, or nil.
func (f *File) Context(name string) *Context {
	if f == nil {
		return nil
	}
	i := slices.IndexFunc(f.Contexts, func(c *Context) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return f.Contexts[i]
}

// Get returns the first value of a setting, or "".
func (c *Context) Get(key string) string {
	for _, s := range c.Settings {
		if s.Key == key && len(s.Values) > 0 {
			return s.Values[0]
		}
	}
	return ""
}

// State tells one content of a context from another: its settings, and whether they are
// trusted.
func (c *Context) State() string {
	return sum(fmt.Appendf(nil, "%t %q %#v", c.File.Trusted, c.File.Path, c.Settings))
}

// Place is where a setting stands, for people.
func (c *Context) Place(line int) string { return fmt.Sprintf("%s:%d", c.File.Path, line) }

// Asks returns the settings that a project file needs trust for. With ownTarget false, the
// target is the user's, and settings that steer calls to it count, too.
func (c *Context) Asks(ownTarget bool) []Setting {
	var asks []Setting
	for _, s := range c.Settings {
		name, _, _ := strings.Cut(s.Key, ".")
		k, _ := FindKey(name)
		on := len(s.Values) > 0 && s.Values[0] != ""
		switch k.Kind {
		case Switch:
			on = s.Values[0] == "true"
		case Number:
			on = strings.Trim(s.Values[0], "0") != ""
		}
		if on && (k.Asks || k.Steers && !ownTarget) || s.Ref != Literal {
			asks = append(asks, s)
		}
	}
	return asks
}

// Resolve returns the values of a setting with paths as they are from anywhere:
// those in a file are relative to its folder.
func (c *Context) Resolve(s Setting) []string {
	k, _ := FindKey(s.Key)
	if k.Kind != Path && k.Kind != Paths && s.Ref != InFile {
		return s.Values
	}
	values := slices.Clone(s.Values)
	for i, v := range values {
		at := filepath.Join(filepath.Dir(c.File.Path), v)
		if filepath.IsAbs(v) || s.Key == "proto" && !exists(at) {
			continue // a .proto file may be in an import path
		}
		values[i] = at
	}
	return values
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// sum tells one text of a file from another.
func sum(text []byte) string {
	s := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(s[:])
}

// ValidName reports whether a context may have this name: letters, digits and - _ . @,
// not - first.
func ValidName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.@", r) {
			return false
		}
	}
	return name != "" && name[0] != '-' && len(name) <= 100
}
