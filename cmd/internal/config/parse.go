package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/yamlbound"
)

const (
	maxFile  = 64 << 10 // bytes of a file of contexts
	maxDepth = 20       // levels of nesting
	maxKeys  = 1000     // of a mapping
	maxParts = 20_000   // of the whole
)

// parse reads a file of contexts. The error is a *SyntaxError. What it does not
// understand it warns about.
func parse(path string, text []byte) (*File, error) {
	f := &File{Path: path, text: text, trust: map[string]string{}}
	root, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	entries, err := f.mapping(root, "the file")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		switch e.key {
		case "current":
			f.Current, err = f.scalar(e)
		case "contexts":
			err = f.contexts(e)
		case "trusted":
			err = f.trusted(e)
		default:
			f.warn(e, "", []string{"current", "contexts"})
		}
		if err != nil {
			return nil, err
		}
	}
	return f, nil
}

// parseYAML returns the tree of a file, nil when there is none.
func parseYAML(path string, text []byte) (root ast.Node, err error) {
	if len(text) > maxFile {
		return nil, &SyntaxError{Path: path, Text: "more than " + boundfile.Size(maxFile)}
	}
	// A project file may come from anybody, and the parser is large enough to have faults.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, &SyntaxError{Path: path, Text: "it cannot be read as YAML"}
		}
	}()
	tokens, past := yamlbound.Tokenize(text, yamlbound.Limits{Depth: maxDepth, Marks: maxParts, Keys: maxKeys})
	if past != nil {
		e := &SyntaxError{Path: path, Text: past.Problem}
		if past.Token != nil {
			e.Line = past.Token.Position.Line
		}
		return nil, e
	}
	file, err := parser.Parse(tokens, parser.ParseComments)
	if err != nil {
		var at interface {
			GetToken() *token.Token
			GetMessage() string
		}
		if errors.As(err, &at) && at.GetToken() != nil {
			return nil, &SyntaxError{Path: path, Line: at.GetToken().Position.Line, Text: at.GetMessage()}
		}
		return nil, &SyntaxError{Path: path, Text: err.Error()}
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.CommentType && d.Body.Type() != ast.NullType {
			bodies = append(bodies, d.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil, nil
	case 1:
		return bodies[0], nil
	}
	return nil, &SyntaxError{Path: path, Line: bodies[1].GetToken().Position.Line, Text: "a second YAML document"}
}

// An entry is a key of a mapping with its value.
type entry struct {
	key   string
	value ast.Node
	node  *ast.MappingValueNode
	line  int
}

// mapping returns the entries of a mapping; none for a nil or empty node.
func (f *File) mapping(n ast.Node, what string) ([]entry, error) {
	var pairs []*ast.MappingValueNode
	switch m := unwrap(n).(type) {
	case nil, *ast.NullNode:
		return nil, nil
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		return nil, f.fault(n, what+" is not a mapping of names to values")
	}
	var entries []entry
	seen := map[string]bool{}
	for _, p := range pairs {
		line := p.Key.GetToken().Position.Line
		key, ok := text(p.Key)
		if !ok {
			return nil, &SyntaxError{Path: f.Path, Line: line, Text: "a key that is not plain text"}
		}
		if seen[key] {
			return nil, &SyntaxError{Path: f.Path, Line: line, Text: fmt.Sprintf("%q stands here a second time", key)}
		}
		seen[key] = true
		entries = append(entries, entry{key: key, value: p.Value, node: p, line: line})
	}
	return entries, nil
}

// unwrap takes tags and anchors away.
func unwrap(n ast.Node) ast.Node {
	for range maxDepth {
		switch w := n.(type) {
		case *ast.TagNode:
			n = w.Value
		case *ast.AnchorNode:
			n = w.Value
		default:
			return n
		}
	}
	return n
}

// text returns the text of a scalar as it is written.
func text(n ast.Node) (string, bool) {
	switch s := unwrap(n).(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return strings.TrimSpace(s.GetToken().Value), true
	}
	return "", false
}

func (f *File) fault(n ast.Node, text string) error {
	line := 0
	if n != nil && n.GetToken() != nil {
		line = n.GetToken().Position.Line
	}
	return &SyntaxError{Path: f.Path, Line: line, Text: text}
}

// scalar returns the text of an entry; "" when there is none.
func (f *File) scalar(e entry) (string, error) {
	if n := unwrap(e.value); n == nil || n.Type() == ast.NullType {
		return "", nil
	}
	s, ok := text(e.value)
	if !ok {
		return "", &SyntaxError{Path: f.Path, Line: e.line, Text: fmt.Sprintf("%s is not a plain value", e.key)}
	}
	return s, nil
}

func (f *File) contexts(e entry) error {
	contexts, err := f.mapping(e.value, "contexts")
	if err != nil {
		return err
	}
	for _, named := range contexts {
		if !ValidName(named.key) {
			return &SyntaxError{
				Path: f.Path, Line: named.line,
				Text: fmt.Sprintf("%q is not a name for a context: letters, digits and - _ . @", named.key),
			}
		}
		c := &Context{Name: named.key, Line: named.line, File: f}
		settings, err := f.mapping(named.value, named.key)
		if err != nil {
			return err
		}
		for _, s := range settings {
			if err := f.setting(c, s); err != nil {
				return err
			}
		}
		f.Contexts = append(f.Contexts, c)
	}
	return nil
}

// setting reads one setting of a context.
func (f *File) setting(c *Context, e entry) error {
	k, known := FindKey(e.key)
	switch {
	case !known:
		var names []string
		for _, k := range keys {
			names = append(names, k.Name)
		}
		f.warn(e, "contexts."+c.Name+".", names)
		return nil
	case k.Kind == Headers:
		return f.headers(c, e)
	case k.Kind == Paths:
		return f.list(c, e)
	}
	v, err := f.scalar(e)
	if err != nil || v == "" {
		return err
	}
	if (k.Kind == Switch || k.Kind == Number) && !k.Kind.plain(v) {
		return &SyntaxError{Path: f.Path, Line: e.line, Text: fmt.Sprintf("%s: %q is not %s", e.key, v, k.Kind.what())}
	}
	c.Settings = append(c.Settings, Setting{Key: e.key, Values: []string{v}, Line: e.line})
	return nil
}

func (k Kind) what() string {
	if k == Switch {
		return "true or false"
	}
	return "a whole number"
}

// list reads a setting of several values; one alone needs no list.
func (f *File) list(c *Context, e entry) error {
	s := Setting{Key: e.key, Line: e.line}
	if seq, ok := unwrap(e.value).(*ast.SequenceNode); ok {
		for _, n := range seq.Values {
			v, ok := text(n)
			if !ok {
				return f.fault(n, e.key+": an element that is not a plain value")
			}
			s.Values = append(s.Values, v)
		}
	} else if v, err := f.scalar(e); err != nil {
		return err
	} else if v != "" {
		s.Values = []string{v}
	}
	if len(s.Values) > 0 {
		c.Settings = append(c.Settings, s)
	}
	return nil
}

// headers reads the metadata of a context.
func (f *File) headers(c *Context, e entry) error {
	headers, err := f.mapping(e.value, "headers")
	if err != nil {
		return err
	}
	for _, h := range headers {
		s := Setting{Key: "headers." + strings.ToLower(h.key), Line: h.line}
		if v, ok := text(h.value); ok {
			if secret.Request(h.key, v) {
				return &SyntaxError{
					Path: f.Path, Line: h.line,
					Text: fmt.Sprintf(
						"headers.%s: secrets do not belong into this file; write {env: NAME} or {file: PATH}", h.key),
				}
			}
			s.Values = []string{v}
			c.Settings = append(c.Settings, s)
			continue
		}
		refs, err := f.mapping(h.value, "headers."+h.key)
		if err != nil {
			return err
		}
		if len(refs) != 1 || refs[0].key != string(Env) && refs[0].key != string(InFile) {
			return &SyntaxError{
				Path: f.Path, Line: h.line,
				Text: fmt.Sprintf("headers.%s: write a text, {env: NAME} or {file: PATH}", h.key),
			}
		}
		v, err := f.scalar(refs[0])
		if err != nil {
			return err
		}
		s.Ref, s.Values = Ref(refs[0].key), []string{v}
		c.Settings = append(c.Settings, s)
	}
	return nil
}

// trusted reads which project files the user has vouched for.
func (f *File) trusted(e entry) error {
	files, err := f.mapping(e.value, "trusted")
	if err != nil {
		return err
	}
	for _, t := range files {
		s, err := f.scalar(t)
		if err != nil {
			return err
		}
		f.trust[t.key] = s
	}
	return nil
}

// warn takes note of a key that is not known.
func (f *File) warn(e entry, in string, known []string) {
	w := Warning{Line: e.line, Text: fmt.Sprintf("%s%s is not known, and is kept", in, e.key)}
	if near := discovery.Nearest(e.key, known, 1); len(near) > 0 {
		w.Text += fmt.Sprintf("; is it %s?", near[0])
	}
	f.Warnings = append(f.Warnings, w)
}
