package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// An Edit sets a value in a file, or removes one. The rest of the file stays as it
// is, comments and unknown keys included.
type Edit struct {
	Path   []string
	Values []string // one: a scalar; several: a list, which List forces; none: the value is removed
	List   bool
	Plain  bool // the value is a number or true or false
}

// errStyle is the error for files that are written in a way that edits here do not
// understand.
var errStyle = errors.New("this part of the file is written in a style that is not changed here: edit it by hand")

// apply returns text with an edit. What the text then means is checked against what
// it should: an edit that goes wrong is an error, and never another meaning.
func apply(path string, text []byte, e Edit) ([]byte, error) {
	before, err := meaning(path, text)
	if err != nil {
		return nil, err
	}
	want := maps.Clone(before)
	prefix := strings.Join(e.Path, "\x00")
	maps.DeleteFunc(want, func(k, _ string) bool { return k == prefix || strings.HasPrefix(k, prefix+"\x00") })
	switch {
	case len(e.Values) == 0:
	case len(e.Values) == 1 && !e.List:
		want[prefix] = e.Values[0]
	default:
		for i, v := range e.Values {
			want[fmt.Sprintf("%s\x00%d", prefix, i)] = v
		}
	}
	changed, err := e.lines(path, text)
	if err != nil {
		return nil, err
	}
	after, err := meaning(path, changed)
	if err != nil || !maps.Equal(after, want) {
		return nil, &SyntaxError{Path: path, Text: errStyle.Error()}
	}
	// Nobody wants headers without one.
	parent := e.Path[:len(e.Path)-1]
	if len(e.Values) == 0 && len(parent) > 0 && parent[len(parent)-1] == "headers" && len(after) > 0 &&
		!hasUnder(after, parent) {
		return apply(path, changed, Edit{Path: parent})
	}
	return changed, nil
}

// hasUnder reports whether a file has values under a path.
func hasUnder(m map[string]string, path []string) bool {
	for k := range m {
		if strings.HasPrefix(k, strings.Join(path, "\x00")+"\x00") {
			return true
		}
	}
	return false
}

// meaning flattens a file: the text of each scalar by its path.
func meaning(path string, text []byte) (map[string]string, error) {
	root, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	flatten(m, "", root)
	return m, nil
}

func flatten(m map[string]string, at string, n ast.Node) {
	under := func(key string) string {
		if at == "" {
			return key
		}
		return at + "\x00" + key
	}
	switch n := unwrap(n).(type) {
	case *ast.MappingNode:
		for _, p := range n.Values {
			key, _ := text(p.Key)
			flatten(m, under(key), p.Value)
		}
	case *ast.MappingValueNode:
		key, _ := text(n.Key)
		flatten(m, under(key), n.Value)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			flatten(m, under(fmt.Sprint(i)), v)
		}
	case *ast.AliasNode:
		m[at] = "*" + n.String()
	case nil:
	default:
		if s, ok := text(n); ok {
			m[at] = s
		}
	}
}

// lines makes the edit, line by line.
func (e Edit) lines(path string, text []byte) ([]byte, error) {
	root, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	lines := splitLines(string(text))
	f := &File{Path: path}
	n, indent, end := root, 0, len(lines)
	for i, key := range e.Path {
		entries, err := f.mapping(n, "it")
		if err != nil {
			return nil, err
		}
		if m, ok := unwrap(n).(*ast.MappingNode); ok && m.IsFlowStyle && len(m.Values) > 0 {
			return nil, &SyntaxError{Path: path, Line: m.GetToken().Position.Line, Text: errStyle.Error()}
		}
		if len(entries) > 0 {
			indent = entries[0].node.Key.GetToken().Position.Column - 1
		}
		at := slices.IndexFunc(entries, func(x entry) bool { return x.key == key })
		if at < 0 {
			if len(e.Values) == 0 {
				return text, nil // there is nothing to remove
			}
			return e.insert(lines, i, indent, lastContent(lines, end)), nil
		}
		found := entries[at]
		from := found.line - 1
		end = blockEnd(lines, from, indent)
		if i == len(e.Path)-1 {
			return e.replace(lines, from, lastContent(lines, end), indent, found), nil
		}
		if v := unwrap(found.value); v == nil || v.Type() == ast.NullType || isEmptyFlow(v) {
			if len(e.Values) == 0 {
				return text, nil
			}
			lines[from] = strings.Repeat(" ", indent) + render(key) + ":"
			return e.insert(lines, i+1, indent+2, from+1), nil
		}
		n = found.value
		indent += 2
	}
	return text, nil
}

func isEmptyFlow(n ast.Node) bool {
	m, ok := n.(*ast.MappingNode)
	return ok && len(m.Values) == 0
}

// splitLines cuts a text into lines without their ends.
func splitLines(text string) []string {
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// blockEnd returns the line after the block of a key: the first that has something
// at its indentation or left of it. The dashes of a list may stand under the key.
func blockEnd(lines []string, from, indent int) int {
	for i := from + 1; i < len(lines); i++ {
		body := strings.TrimLeft(lines[i], " ")
		if body == "" || strings.HasPrefix(body, "#") {
			continue
		}
		at := len(lines[i]) - len(body)
		if at < indent || at == indent && !strings.HasPrefix(body, "- ") && body != "-" {
			return i
		}
	}
	return len(lines)
}

// lastContent returns end without the empty lines and comments before it.
func lastContent(lines []string, end int) int {
	for end > 0 {
		body := strings.TrimSpace(lines[end-1])
		if body != "" && !strings.HasPrefix(body, "#") {
			break
		}
		end--
	}
	return end
}

// insert adds, before a line, the keys of the path from a level on, and the value.
func (e Edit) insert(lines []string, level, indent, before int) []byte {
	if before == 0 {
		before = len(lines) // after the comments at the top
	}
	var added []string
	for i := level; i < len(e.Path)-1; i++ {
		added = append(added, strings.Repeat(" ", indent)+render(e.Path[i])+":")
		indent += 2
	}
	added = append(added, e.rendered(indent, "")...)
	return joinLines(slices.Insert(slices.Clone(lines), before, added...))
}

// replace puts the value in the place of lines, or removes them.
func (e Edit) replace(lines []string, from, to, indent int, old entry) []byte {
	var added []string
	if len(e.Values) > 0 {
		comment := ""
		if c := old.value.GetComment(); c != nil && to == from+1 {
			comment = " " + strings.TrimSpace(c.String())
		}
		added = e.rendered(indent, comment)
	}
	return joinLines(slices.Replace(slices.Clone(lines), from, to, added...))
}

func joinLines(lines []string) []byte {
	if len(lines) == 0 {
		return nil
	}
	return []byte(strings.Join(lines, "\n") + "\n")
}

// rendered returns the lines of the last key with its value.
func (e Edit) rendered(indent int, comment string) []string {
	space := strings.Repeat(" ", indent)
	key := space + render(e.Path[len(e.Path)-1]) + ":"
	if len(e.Values) == 1 && !e.List {
		v := e.Values[0]
		if !e.Plain {
			v = render(v)
		}
		return []string{key + " " + v + comment}
	}
	lines := []string{key + comment}
	for _, v := range e.Values {
		lines = append(lines, space+"  - "+render(v))
	}
	return lines
}

// render writes a text as a YAML scalar that every reader takes for that text.
func render(s string) string {
	// Words that YAML 1.1 or 1.2 does not take as text, and what looks like a number.
	plain := regexp.MustCompile(`^[A-Za-z_./@][A-Za-z0-9_./@+=-]*(:[A-Za-z0-9_./@+=-]+)*:?$`)
	special := regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null|\.inf|\.nan|\.[0-9].*)$`)
	length := regexp.MustCompile(`^[0-9]+(\.[0-9]+)?(ms|s|m|h)$`)
	if length.MatchString(s) {
		return s
	}
	if plain.MatchString(s) && !special.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	quoted, err := json.Marshal(s)
	if err != nil {
		return `""` // only what is not text, and all strings are
	}
	return string(quoted)
}
