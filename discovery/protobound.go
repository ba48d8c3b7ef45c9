package discovery

import (
	"errors"
	"fmt"
	"strings"
)

// The bounds of one .proto file beside its size.
const (
	// maxParts is how many parts it may have, together with what it imports. A sign that ends
	// a statement or an option counts as two, a bracket of a map or of a body as four, since
	// more is made of them, and any other part as one. With places and comments the compiler
	// takes about a kilobyte and a half for each.
	maxParts = 150_000
	// maxNamed bounds the parts of several files that are compiled together: maxParts for each
	// file, but at most this many times.
	maxNamed = 10
	// wantedLine is how long a line may be before it is broken, in bytes: to find a column the
	// compiler reads all of the line before it.
	wantedLine = 1 << 10
	// maxSteps is how many bytes the compiler may read to find the column of each sign in the
	// lines that cannot be broken.
	maxSteps = 100 << 20
)

// ErrTooMuch is a .proto file that would take the compiler too much time or memory.
var ErrTooMuch = errors.New("too much for the compiler of .proto files")

// bounded prepares the text of a .proto file for the compiler: in long lines it puts line
// feeds in the place of blanks, so that offsets stay the same. It also returns the number of
// parts. For a file that is beyond the bounds it returns an error, and the offset at which it
// is.
func bounded(text string) (ready string, parts, at int, err error) {
	var broken []byte // nil: nothing was changed
	steps, begin := 0, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '\n':
			begin = i + 1
			continue
		case ' ', '\t', '\r':
			if i-begin >= wantedLine {
				if broken == nil {
					broken = []byte(text)
				}
				broken[i] = '\n'
				begin = i + 1
			}
			continue
		case '"', '\'':
			i = skipString(text, i)
		case '/':
			start := i
			i = skipComment(text, i)
			if at := strings.LastIndexByte(text[start:min(i+1, len(text))], '\n'); at >= 0 {
				begin = start + at + 1
			}
		case '{', '<':
			parts += 4
		case ';', ',', '[':
			parts += 2
		case '(':
			parts++
		case '=', ']', '}':
		default:
			continue
		}
		if steps += i - begin; steps > maxSteps {
			return "", 0, min(i, len(text)-1), fmt.Errorf("%w: the lines are too long: break them", ErrTooMuch)
		}
		if parts > maxParts {
			return "", 0, min(i, len(text)-1), fmt.Errorf("%w: more than %d parts", ErrTooMuch, maxParts)
		}
	}
	if broken == nil {
		return text, parts, -1, nil
	}
	return string(broken), parts, -1, nil
}
