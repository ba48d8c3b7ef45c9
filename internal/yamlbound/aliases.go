package yamlbound

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// Aliases returns what is wrong with the aliases of a parsed text, for a decoder that expands
// each of them and knows no bound: a few bytes can stand for more than any memory holds. With
// its aliases expanded, a text may have as many parts, and nest as deep, as without; a long
// scalar counts as one part for every 16 bytes. An alias without an anchor, one inside its own
// anchor, and an anchor that occurs twice are faults, too.
func (l Limits) Aliases(file *ast.File) *Fault {
	w := written{limits: l, anchors: map[string]*extent{}}
	for _, d := range file.Docs {
		w.node(d.Body)
	}
	return w.fault
}

// An extent is the size of a node with its aliases expanded.
type extent struct {
	parts, depth int
	open         bool // it is being measured
}

// written measures nodes with their aliases expanded, each node once.
type written struct {
	limits  Limits
	anchors map[string]*extent
	fault   *Fault // the first one
}

func (w *written) fail(n ast.Node, format string, args ...any) extent {
	if w.fault == nil {
		w.fault = &Fault{Problem: fmt.Sprintf(format, args...), Token: n.GetToken()}
	}
	return extent{}
}

// node measures a node.
func (w *written) node(n ast.Node) extent {
	if w.fault != nil {
		return extent{}
	}
	switch n := n.(type) {
	case nil:
		return extent{}
	case *ast.MappingNode:
		return w.collection(n, pairs(n.Values))
	case *ast.MappingValueNode:
		return w.collection(n, []ast.Node{n.Key, n.Value})
	case *ast.SequenceNode:
		return w.collection(n, n.Values)
	case *ast.MappingKeyNode:
		return w.node(n.Value)
	case *ast.TagNode:
		return w.node(n.Value)
	case *ast.LiteralNode:
		return scalar(n.Value.Value)
	case *ast.AnchorNode:
		return w.anchor(n)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		switch a := w.anchors[name]; {
		case a == nil:
			return w.fail(n, "there is no anchor &%s before this alias", name)
		case a.open:
			return w.fail(n, "the alias *%s stands inside what it stands for", name)
		default:
			return *a
		}
	}
	return scalar(n.GetToken().Value)
}

func scalar(text string) extent { return extent{parts: 1 + len(text)/16} }

func pairs(values []*ast.MappingValueNode) []ast.Node {
	var nodes []ast.Node
	for _, v := range values {
		nodes = append(nodes, v.Key, v.Value)
	}
	return nodes
}

func (w *written) collection(n ast.Node, inside []ast.Node) extent {
	all := extent{parts: 1}
	for _, child := range inside {
		e := w.node(child)
		all.parts += e.parts
		all.depth = max(all.depth, e.depth)
		if all.parts > w.limits.Marks {
			return w.fail(n, "with its aliases written out, YAML of more than %d parts is too long", w.limits.Marks)
		}
	}
	if all.depth++; all.depth > w.limits.Depth {
		return w.fail(n, "with its aliases written out, nesting deeper than %d is too deep", w.limits.Depth)
	}
	return all
}

func (w *written) anchor(n *ast.AnchorNode) extent {
	name := n.Name.GetToken().Value
	if w.anchors[name] != nil {
		return w.fail(n, "the anchor &%s stands here a second time", name)
	}
	a := &extent{open: true}
	w.anchors[name] = a
	*a = w.node(n.Value)
	return *a
}
