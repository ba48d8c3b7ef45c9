package formatters

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/rpcctl/rpcctl/formatters/internal/jsontext"
)

// WriteJSON writes a Go value as encoding/json encodes it, indented by two spaces and
// with a line feed. Hidden characters are escaped, which loses nothing.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(jsontext.Clean(b.Bytes()))
	return err
}

// CleanJSON returns JSON with hidden characters escaped, which loses nothing.
func CleanJSON(raw []byte) []byte { return jsontext.Clean(raw) }
