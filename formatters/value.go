package formatters

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/transcode"
)

// WriteJSON writes a Go value as encoding/json has it, indented by two spaces and
// with a line feed. Hidden characters are escaped, which loses nothing.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(cleanJSON(b.Bytes()))
	return err
}

// cleanJSON escapes hidden characters in JSON, where they can only be in strings.
func cleanJSON(raw []byte) []byte {
	var out []byte
	kept := 0
	for i := 0; i < len(raw); {
		if c := raw[i]; c >= 0x20 && c < 0x7f || c == '\n' {
			i++
			continue
		}
		r, n := utf8.DecodeRune(raw[i:])
		if transcode.Hidden(r) {
			out = appendQuotedRune(append(out, raw[kept:i]...), r)
			kept = i + n
		}
		i += n
	}
	if out == nil {
		return raw
	}
	return append(out, raw[kept:]...)
}
