package input

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// maxMerges is how many mappings << may merge: with aliases of aliases a few bytes can name
// very many mappings.
const maxMerges = 100_000

// A yamlConverter writes a tree as JSON.
type yamlConverter struct {
	doc     []byte
	json    []byte
	limit   int
	marks   []mark
	anchors map[string]*anchor
	merges  int    // mappings that << has merged
	fault   *Fault // the first one
}

// A mark says from which token of the YAML the JSON comes that begins at an offset.
type mark struct {
	offset int
	tk     *token.Token
}

type anchor struct {
	node ast.Node
	open bool // it is being written
}

// locate moves the place of a fault from the JSON to the YAML.
func (c *yamlConverter) locate(f *Fault) {
	i, exact := slices.BinarySearchFunc(c.marks, int(f.Offset), func(m mark, at int) int { return m.offset - at })
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
		c.fail(n, "with its aliases written out the document is longer than %s", boundfile.Size(int64(c.limit)))
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

// mapping writes an object. The keys of the mapping itself override those of a merge key
// (https://yaml.org/type/merge.html).
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
	if c.merges++; c.merges > maxMerges {
		c.fail(n, "<< stands for more than %d mappings", maxMerges)
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
