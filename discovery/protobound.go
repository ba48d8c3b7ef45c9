package discovery

import (
	"errors"
	"fmt"
	"strings"
)

// The bounds of one .proto file beside its size.
const (
	// maxParts is how many parts it may have, with all that it imports. A sign that ends a
	// statement or an option counts as two, a bracket of a map or of a body, for which more is
	// made, as four, and others as one. With places and comments the compiler takes about a
	// kilobyte and a half for each.
	maxParts = 150_000
	// maxNamed is how many times maxParts several files may have that are compiled together: as
	// often as files were named, and no more.
	maxNamed = 10
	// wantedLine is how long a line may be before it is broken, in bytes: to know a column
	// the compiler goes over all of a line that comes before it.
	wantedLine = 1 << 10
	// maxSteps is how many bytes it may go over to know one column of each sign in the lines
	// that cannot be broken.
	maxSteps = 100 << 20
)

// ErrTooMuch is a .proto file that would take the compiler too much time or memory.
var ErrTooMuch = errors.New("too much for the compiler of .proto files")

// bounded returns a text of a .proto file for the compiler: that text, with line feeds in the
// place of blanks where a line is long, so that offsets stay what they are, and how many parts
// it has. Of one that is past the bounds it returns an error, and the offset where that is so.
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
