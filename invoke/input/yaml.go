package input

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

const (
	// maxYAML is the size of the longest YAML document, in bytes. Its tree takes some
	// hundred times as much memory.
	maxYAML = 4 << 20
	// slowYAML is the size of a document, in bytes, from which on decoding it may take so
	// long that whoever waits for it must be able to leave.
	slowYAML = 16 << 10
	// maxNesting bounds how deep YAML nests. Messages are bounded far below.
	maxNesting = 1000
)

// A yamlDecoder takes YAML documents by way of JSON, whose decoder knows the message. It
// keeps which place in the YAML each place in the JSON comes from.
type yamlDecoder struct {
	cutter *yamlCutter // that cut the document
	json   *transcode.Decoder
	limit  int // of a document, with its aliases written out, bytes
}

func (y *yamlDecoder) decode(dst, doc []byte) ([]byte, []Fault) {
	marker := y.cutter.marker
	y.cutter.marker = 0
	if marker == 0 {
		marker = y.cutter.markerAtEnd()
	}
	doc = doc[:len(doc)-marker]
	if len(doc) > y.limit {
		return nil, []Fault{{Problem: fmt.Sprintf("a YAML document of more than %s is too long; JSON may be longer", size(int64(y.limit)))}}
	}
	if i := invalidUTF8(doc); i >= 0 {
		return nil, []Fault{{Place: Place{Offset: int64(i), Length: 1}, Problem: "this is not valid UTF-8"}}
	}
	root, fault := parseYAML(doc)
	if fault != nil {
		return nil, []Fault{*fault}
	}
	if root == nil {
		return nil, nil
	}
	c := &yamlConverter{doc: doc, limit: y.limit, anchors: map[string]*anchor{}}
	c.node(root, 0)
	if c.fault != nil {
		return nil, []Fault{*c.fault}
	}
	wire, err := y.json.Append(dst, c.json)
	if err == nil {
		return wire, nil
	}
	faults := jsonFaults(err)
	for i := range faults {
		c.locate(&faults[i])
	}
	return nil, faults
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// parseYAML returns the tree of a document, nil when it has nothing but comments.
func parseYAML(doc []byte) (root ast.Node, fault *Fault) {
	// The parser is a large one and gets whatever was typed; a slip in it must not take
	// a shell with all its jobs down.
	defer func() {
		if r := recover(); r != nil {
			root, fault = nil, &Fault{Problem: "the YAML cannot be read"}
		}
	}()
	tokens := lexer.Tokenize(string(doc))
	if tk := tooDeep(tokens); tk != nil {
		f := faultAt(doc, tk, fmt.Sprintf("nesting deeper than %d is too deep", maxNesting))
		return nil, &f
	}
	// Keys that stand twice are told by the JSON decoder, in less time.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var at interface {
			GetToken() *token.Token
			GetMessage() string
		}
		f := Fault{Problem: err.Error()}
		if errors.As(err, &at) {
			f = faultAt(doc, at.GetToken(), at.GetMessage())
		}
		return nil, &f
	}
	for _, d := range file.Docs {
		switch d.Body.(type) {
		case nil, *ast.DirectiveNode, *ast.CommentGroupNode, *ast.CommentNode:
			continue
		}
		if root != nil {
			f := faultAt(doc, d.Body.GetToken(), "a document inside another one")
			return nil, &f
		}
		root = d.Body
	}
	return root, nil
}

// tooDeep returns the token that nests too deep, or nil. It is asked before the parser,
// which recurses: flow collections nest by brackets, others by what stands before a value
// on one line, and by columns, which take a square of bytes.
func tooDeep(tokens token.Tokens) *token.Token {
	depth, line, onLine := 0, 0, 0
	for _, tk := range tokens {
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
			if tk.Position.Line != line {
				line, onLine = tk.Position.Line, 0
			}
			onLine++
		}
		if depth > maxNesting || onLine > maxNesting {
			return tk
		}
	}
	return nil
}

// faultAt is a fault at a token.
func faultAt(doc []byte, tk *token.Token, problem string) Fault {
	f := Fault{Problem: problem}
	if tk == nil || tk.Position == nil {
		return f
	}
	at := offsetOf(doc, tk.Position.Line, max(1, tk.Position.Column))
	f.Offset, f.Length = int64(at), tokenLength(doc[at:])
	return f
}

// A yamlConverter writes a tree as JSON.
type yamlConverter struct {
	doc     []byte
	json    []byte
	limit   int
	marks   []mark
	anchors map[string]*anchor
	fault   *Fault // the first one
}

// A mark says which token of the YAML the JSON from an offset on comes from.
type mark struct {
	at int
	tk *token.Token
}

type anchor struct {
	node ast.Node
	open bool // it is being written
}

// locate moves the place of a fault from the JSON to the YAML.
func (c *yamlConverter) locate(f *Fault) {
	i, exact := slices.BinarySearchFunc(c.marks, int(f.Offset), func(m mark, at int) int { return m.at - at })
	if !exact {
		i--
	}
	f.Incomplete = false
	if i < 0 {
		f.Offset, f.Length = 0, 0
		return
	}
	f.Place = faultAt(c.doc, c.marks[i].tk, "").Place
}

func (c *yamlConverter) fail(n ast.Node, format string, args ...any) {
	if c.fault == nil {
		f := faultAt(c.doc, n.GetToken(), fmt.Sprintf(format, args...))
		c.fault = &f
	}
}

func (c *yamlConverter) mark(n ast.Node) {
	c.marks = append(c.marks, mark{len(c.json), n.GetToken()})
}

// node writes a node.
func (c *yamlConverter) node(n ast.Node, depth int) {
	switch {
	case c.fault != nil:
		return
	case depth > maxNesting:
		c.fail(n, "nesting deeper than %d is too deep", maxNesting)
		return
	case len(c.json) > c.limit:
		c.fail(n, "with its aliases written out the document is longer than %s", size(int64(c.limit)))
		return
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		c.mark(n)
		c.mapping(n.Values, depth)
	case *ast.MappingValueNode:
		c.mark(n)
		c.mapping([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		c.mark(n)
		c.json = append(c.json, '[')
		for i, v := range n.Values {
			if i > 0 {
				c.json = append(c.json, ',')
			}
			c.node(v, depth+1)
		}
		c.json = append(c.json, ']')
	case *ast.AnchorNode:
		a := &anchor{node: n.Value, open: true}
		c.anchors[n.Name.GetToken().Value] = a
		c.node(n.Value, depth+1)
		a.open = false
	case *ast.AliasNode:
		if a := c.alias(n); a != nil {
			a.open = true
			c.node(a.node, depth+1)
			a.open = false
		}
	case *ast.TagNode:
		c.tagged(n, depth)
	case nil:
		c.json = append(c.json, "null"...)
	default:
		c.mark(n)
		c.scalar(n)
	}
}

// alias returns what an alias stands for.
func (c *yamlConverter) alias(n *ast.AliasNode) *anchor {
	name := n.Value.GetToken().Value
	a := c.anchors[name]
	switch {
	case a == nil:
		c.fail(n, "there is no anchor &%s before this alias", name)
	case a.open:
		c.fail(n, "the alias *%s stands inside what it stands for", name)
	default:
		return a
	}
	return nil
}

// tagged writes a node with a tag of the core schema (YAML 1.2.2, section 10.3).
func (c *yamlConverter) tagged(n *ast.TagNode, depth int) {
	text, isScalar := scalarText(n.Value)
	switch tag := n.GetToken().Value; tag {
	case "!!str", "!", "!!binary":
		if !isScalar {
			c.fail(n, "%s needs a scalar after it", tag)
			return
		}
		if tag == "!!binary" {
			text = strings.Join(strings.Fields(text), "")
		}
		c.mark(n.Value)
		c.json = append(c.json, quoteJSON(text)...)
	case "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		c.node(n.Value, depth+1)
	default:
		c.fail(n, "the tag %s has no meaning in a message", tag)
	}
}

// mapping writes an object. What a merge key brings in gives way to the keys of the
// mapping itself (https://yaml.org/type/merge.html).
func (c *yamlConverter) mapping(pairs []*ast.MappingValueNode, depth int) {
	c.json = append(c.json, '{')
	begin := len(c.json)
	own := map[string]bool{}
	for _, p := range pairs {
		if _, merge := p.Key.(*ast.MergeKeyNode); merge {
			continue
		}
		key, ok := c.key(p.Key)
		if !ok {
			return
		}
		own[key] = true
		c.pair(p, key, begin, depth)
	}
	for _, p := range pairs {
		if _, merge := p.Key.(*ast.MergeKeyNode); merge {
			c.merge(p.Value, own, begin, depth+1)
		}
	}
	c.json = append(c.json, '}')
}

func (c *yamlConverter) pair(p *ast.MappingValueNode, key string, begin, depth int) {
	if len(c.json) > begin {
		c.json = append(c.json, ',')
	}
	c.mark(p.Key)
	c.json = append(c.json, quoteJSON(key)...)
	c.json = append(c.json, ':')
	c.node(p.Value, depth+1)
}

// merge writes the pairs of mappings whose keys are not in own.
func (c *yamlConverter) merge(n ast.Node, own map[string]bool, begin, depth int) {
	if c.fault != nil || depth > maxNesting || len(c.json) > c.limit {
		c.node(n, depth) // tells which it is
		return
	}
	switch n := n.(type) {
	case *ast.AliasNode:
		if a := c.alias(n); a != nil {
			a.open = true
			c.merge(a.node, own, begin, depth+1)
			a.open = false
		}
	case *ast.AnchorNode:
		c.anchors[n.Name.GetToken().Value] = &anchor{node: n.Value}
		c.merge(n.Value, own, begin, depth+1)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			c.merge(v, own, begin, depth+1)
		}
	case *ast.MappingValueNode:
		c.mergePairs([]*ast.MappingValueNode{n}, own, begin, depth)
	case *ast.MappingNode:
		c.mergePairs(n.Values, own, begin, depth)
	default:
		c.fail(n, "<< needs a mapping, or a list of mappings")
	}
}

func (c *yamlConverter) mergePairs(pairs []*ast.MappingValueNode, own map[string]bool, begin, depth int) {
	for _, p := range pairs {
		if _, merge := p.Key.(*ast.MergeKeyNode); merge {
			c.merge(p.Value, own, begin, depth+1)
			continue
		}
		key, ok := c.key(p.Key)
		if !ok {
			return
		}
		if !own[key] {
			own[key] = true
			c.pair(p, key, begin, depth)
		}
	}
}

// key returns the text of a key.
func (c *yamlConverter) key(n ast.Node) (string, bool) {
	if c.fault != nil {
		return "", false
	}
	switch k := n.(type) {
	case *ast.MappingKeyNode:
		return c.key(k.Value)
	case *ast.AnchorNode:
		return c.key(k.Value)
	case *ast.TagNode:
		return c.key(k.Value)
	}
	text, ok := scalarText(n)
	if !ok {
		c.fail(n, "a key must be a scalar")
	}
	return text, ok
}
