package input

import (
	"context"
	"fmt"
	"io"
)

// decodeDocument returns the wire form of exactly one document in the format o.Format (JSON if
// it is FormatAuto), with only white space and comments around it. The error is an *Error with
// the given origin. A document of white space alone is one, too, when the format needs more
// for an empty message.
func decodeDocument(doc []byte, origin string, o Options) ([]byte, error) {
	o.Streams = false
	d := newDocuments(Part{Text: string(doc), Origin: origin}, 0, "", feedOf(doc), o.Format, &o)
	first, err := d.only(context.Background())
	if err == io.EOF && (d.format == FormatJSON || d.format == FormatYAML) {
		return nil, d.newError([]Fault{{Problem: fmt.Sprintf("there is no %s document", d.format.title()), Incomplete: true}})
	}
	if err == io.EOF {
		return []byte{}, nil
	}
	return first, err
}
