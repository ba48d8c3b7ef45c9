package input

import (
	"math/big"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// scalarText returns the text of a scalar node.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.LiteralNode:
		return n.Value.GetToken().Value, true
	case *ast.NullNode:
		if tk := n.GetToken(); tk.Type != token.ImplicitNullType {
			return tk.Value, true
		}
		return "", true
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode,
		*ast.MergeKeyNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// scalar writes a scalar: a quoted or block scalar as a string, and a plain one as the type
// that the core schema gives it (YAML 1.2.2, section 10.3.2), so that "no" and dates are
// strings.
func (c *yamlConverter) scalar(n ast.Node) {
	text, ok := scalarText(n)
	if !ok {
		c.fail(n, "this has no meaning in a message")
		return
	}
	_, block := n.(*ast.LiteralNode)
	switch n.GetToken().Type {
	case token.SingleQuoteType, token.DoubleQuoteType:
		block = true
	}
	if block {
		c.json = append(c.json, quoteJSON(text)...)
		return
	}
	if digits := strings.TrimLeft(text, "+-"); len(digits) > 1 && digits[0] == '0' && isDigits(digits) {
		// YAML 1.1 takes it for octal, 1.2 for decimal, and whoever typed it for a string.
		c.fail(n, `%s begins with 0: write "%s" for text, 0o%s for octal, %s for decimal`,
			text, text, strings.TrimLeft(digits, "0"), strings.TrimLeft(digits, "0"))
		return
	}
	c.json = append(c.json, plainJSON(text)...)
}

// plainJSON is the JSON of a plain scalar.
func plainJSON(s string) string {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return "null"
	case "true", "True", "TRUE":
		return "true"
	case "false", "False", "FALSE":
		return "false"
	case ".nan", ".NaN", ".NAN":
		return `"NaN"`
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return `"Infinity"`
	case "-.inf", "-.Inf", "-.INF":
		return `"-Infinity"`
	}
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		return based(s, digits, 16)
	}
	if digits, ok := strings.CutPrefix(s, "0o"); ok {
		return based(s, digits, 8)
	}
	if number, ok := decimal(s); ok {
		return number
	}
	return quoteJSON(s)
}

// maxDigits is how many digits a number with a base may have: more than any field takes.
const maxDigits = 64

// based writes an integer of another base in decimal.
func based(s, digits string, base int) string {
	if len(digits) > maxDigits || strings.ContainsAny(digits, "+-_") {
		return quoteJSON(s)
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return quoteJSON(s)
	}
	return n.String()
}

// decimal writes a number of the core schema, [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) (
// [eE] [-+]? [0-9]+ )?, in the form of JSON.
func decimal(s string) (string, bool) {
	sign, rest := "", s
	switch {
	case strings.HasPrefix(s, "-"):
		sign, rest = "-", s[1:]
	case strings.HasPrefix(s, "+"):
		rest = s[1:]
	}
	mantissa, exponent := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i:]
		if digits := strings.TrimLeft(exponent[1:], "+-"); !isDigits(digits) || len(exponent)-len(digits) > 2 {
			return "", false
		}
	}
	whole, fraction, point := strings.Cut(mantissa, ".")
	switch {
	case whole == "" && fraction == "", whole != "" && !isDigits(whole), fraction != "" && !isDigits(fraction):
		return "", false
	}
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if point && fraction != "" {
		whole += "." + fraction
	}
	return sign + whole + exponent, true
}

// isDigits reports whether s is one or more decimal digits.
func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
