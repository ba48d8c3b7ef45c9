package input

import (
	"bytes"
	"encoding/json"
	"strings"
)

// quoteJSON returns s as a JSON string. It must be valid UTF-8.
func quoteJSON(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // encoding a string into a buffer never fails
	return strings.TrimSuffix(b.String(), "\n")
}
