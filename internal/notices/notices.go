// Package notices has the licences of all that is linked into rpcctl, which ask to be passed on
// with it. They are part of the binary, so that it is never without them: compressed, and not
// looked at before somebody asks.
package notices

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
)

//go:generate go run ./gen

//go:embed notices.txt.gz
var packed string

// WriteTo writes the notices as text.
func WriteTo(w io.Writer) error {
	r, err := gzip.NewReader(bytes.NewReader([]byte(packed)))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}
