package input

import (
	"bytes"
	"fmt"

	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// maxText is how many bytes a prototext document and its values may take while it is decoded,
// by an estimate from its parts.
const maxText = 128 << 20

// What the parts of prototext take in memory, in bytes: a message with its fields by number, of
// which the library makes a map, and a value with its place in a list.
const (
	textMessageCost = 480
	textValueCost   = 56
)

// boundText returns the fault of a prototext document whose values would take too much: two
// bytes of text can be a message of some hundred bytes. It counts the parts, outside of
// strings and comments.
func boundText(doc []byte) *Fault {
	left := maxText - len(doc)
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; c {
		case '{', '<':
			left -= textMessageCost
		case ':', ',':
			left -= textValueCost
		case '#':
			n := bytes.IndexByte(doc[i:], '\n')
			if n < 0 {
				return nil
			}
			i += n
		case '"', '\'':
			left -= textValueCost
			for i++; i < len(doc) && doc[i] != c && doc[i] != '\n'; i++ {
				if doc[i] == '\\' {
					i++
				}
				left--
			}
		}
		if left < 0 {
			problem := fmt.Sprintf("prototext whose values take more than %s is too long; JSON may be longer",
				boundfile.Size(maxText))
			return &Fault{Place: Place{Offset: int64(min(i, len(doc))), Length: 1}, Problem: problem}
		}
	}
	return nil
}
