package input

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/internal/yamlbound"
)

const (
	// maxYAML is the size of the longest YAML document, in bytes.
	maxYAML = 4 << 20
	// maxYAMLParts and maxYAMLKeys bound the time and the memory that a document takes.
	maxYAMLParts = 150_000
	maxYAMLKeys  = 10_000
	// maxNesting bounds how deep YAML nests. Messages are bounded far below.
	maxNesting = 1000
)

// A yamlDecoder turns YAML documents into JSON, and decodes that. For each place in the JSON
// it keeps the place in the YAML.
type yamlDecoder struct {
	cutter *yamlCutter // that cut the document
	json   *transcode.Decoder
	limit  int // of a document with its aliases expanded, in bytes
}

func (y *yamlDecoder) decode(dst, doc []byte) ([]byte, []Fault) {
	marker := y.cutter.marker
	y.cutter.marker = 0
	if marker == 0 {
		marker = y.cutter.markerAtEnd()
	}
	doc = doc[:len(doc)-marker]
	if len(doc) > y.limit {
		return nil, []Fault{{Problem: fmt.Sprintf("a YAML document of more than %s is too long; JSON may be longer",
			boundfile.Size(int64(y.limit)))}}
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
	// The parser is large and gets whatever was typed: a panic in it must not end a shell with
	// all its jobs.
	defer func() {
		if r := recover(); r != nil {
			root, fault = nil, &Fault{Problem: "the YAML cannot be read"}
		}
	}()
	tokens, past := yamlbound.Tokenize(doc, yamlbound.Limits{Depth: maxNesting, Marks: maxYAMLParts, Keys: maxYAMLKeys})
	if past != nil {
		f := faultAt(doc, past.Token, past.Problem)
		if past.Long {
			f.Problem += "; JSON may be longer"
		}
		return nil, &f
	}
	// The JSON decoder reports keys that occur twice, in less time.
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
