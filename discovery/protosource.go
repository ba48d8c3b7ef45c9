package discovery

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A SyntaxError is a .proto file that does not compile.
type SyntaxError struct {
	File   string // its path on disk
	Line   int    // counted from 1; 0 when there is no place
	Column int    // in characters from 1, for a caret under Source
	Source string // the line, without its end; "" when it cannot be shown
	Err    error  // ErrNotProto, an *EditionError, or what the compiler says
}

// ErrNotProto is a file that a person named, or that was imported, and that does not begin
// like a .proto file. Nothing of it is shown, since a link or an import may lead to any file,
// such as a key.
var ErrNotProto = errors.New(
	"this is not a .proto file, which begins with syntax, edition, package, import, option or a definition")

// notProto returns ErrNotProto with what the compiler says. Of that it keeps only names of
// parts of the language, and nothing that could come from the file.
func notProto(said error) error {
	if strings.HasPrefix(said.Error(), "syntax error: ") {
		return fmt.Errorf("%w (%w)", ErrNotProto, said)
	}
	return ErrNotProto
}

// beginsBadly reports whether a text begins with the first word of a .proto file and the fault
// is in the same line: then that line may be shown.
func beginsBadly(text string, offset int) bool {
	statement := firstStatement(text)
	word := regexp.MustCompile(
		`^(?:syntax|edition|package|import|option|message|enum|service|extend)[ \t="';]`).FindString(statement)
	from := len(text) - len(statement)
	return word != "" && offset >= from && !strings.Contains(text[from:offset], "\n")
}

// firstStatement is a text from its first statement on.
func firstStatement(text string) string {
	text = strings.TrimPrefix(text, "\ufeff")
	for {
		text = strings.TrimLeft(text, " \t\r\n\f\v;")
		if !strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "/*") {
			return text
		}
		text = text[min(skipComment(text, 0)+1, len(text)):]
	}
}

// isProto reports whether a text begins as a .proto file does.
func isProto(text string) bool {
	beginning := regexp.MustCompile(
		`^(?:(?:syntax|edition)\s*=\s*["']|import\s*(?:public\s*|weak\s*|option\s*)?["']|package\s+[\w.]+\s*;|option\s*\(|option\s+\w|(?:message|enum|service|extend)\s+[\w.]+\s*\{)`)
	return beginning.MatchString(firstStatement(text))
}

func (e *SyntaxError) Error() string { return position(e.File, e.Line, e.Column) + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *SyntaxError) Unwrap() error { return e.Err }

// An ImportError is a .proto file that is not there or cannot be read.
type ImportError struct {
	File   string // the path on disk of the file that imports it; "" for one that was named by a person
	Line   int    // of the import, counted from 1
	Column int    // in characters from 1, for a caret under Source
	Source string // the line of the import, without its end
	Import string // what is imported, or was named
	Roots  []string
	Err    error
	// Roots are the import paths that were searched. Err is fs.ErrNotExist when none of them
	// has the file. Deps are modules of a registry that the buf workspace in use depends on,
	// which are not on this machine.
	Deps []string
}

func (e *ImportError) Error() string {
	what := "import"
	if e.File == "" {
		what = "file"
	}
	roots := ""
	if len(e.Roots) > 0 {
		roots = fmt.Sprintf(" (import path: %s)", strings.Join(e.Roots, ", "))
	}
	return fmt.Sprintf("%s%s %q: %v%s", position(e.File, e.Line, e.Column), what, e.Import, e.Err, roots)
}

// Unwrap returns what is wrong.
func (e *ImportError) Unwrap() error { return e.Err }

func position(file string, line, column int) string {
	switch {
	case file == "":
		return ""
	case line == 0:
		return file + ": "
	default:
		return fmt.Sprintf("%s:%d:%d: ", file, line, column)
	}
}

// place sets line, column and source of an error at an offset in bytes.
func (e *SyntaxError) place(text string, offset int) {
	offset = max(0, min(offset, len(text)))
	start := strings.LastIndexByte(text[:offset], '\n') + 1
	e.Line = strings.Count(text[:start], "\n") + 1
	e.Column = utf8.RuneCountInString(text[start:offset]) + 1
	line, _, _ := strings.Cut(text[start:], "\n")
	const most = 4096 // a longer line helps nobody
	if len(line) > most || !isProto(text) && !beginsBadly(text, offset) {
		line = ""
	}
	e.Source = strings.TrimSuffix(line, "\r")
}

// An EditionError is a .proto file of an edition that is not compiled here. A
// descriptor set may be of a later one.
type EditionError struct {
	Edition string // as it is written
}

func (e *EditionError) Error() string {
	return fmt.Sprintf("edition %q is not compiled here; the newest that is, is 2023", e.Edition)
}

// editionAt returns the edition that a line of a .proto file names.
func editionAt(line string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(line), "edition")
	if !ok {
		return "", false
	}
	_, rest, ok = strings.Cut(rest, "=")
	rest = strings.Trim(rest, " ;\t")
	if !ok || len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
		return "", false
	}
	name, _, ok := strings.Cut(rest[1:], rest[:1])
	return name, ok
}

// maxBrackets is how deep brackets may nest in a .proto file: the compiler walks
// them by recursion, and a stack that runs over ends the process.
const maxBrackets = 200

// tooDeep returns the offset of the bracket that nests too deep, or -1. Brackets
// in comments and strings do not count.
func tooDeep(text string) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '{', '[', '(', '<':
			if depth++; depth > maxBrackets {
				return i
			}
		case '}', ']', ')', '>':
			depth = max(0, depth-1)
		case '"', '\'':
			i = skipString(text, i)
		case '/':
			i = skipComment(text, i)
		}
	}
	return -1
}

// skipString returns the offset of the quote that ends a string, or of the end of
// its line.
func skipString(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n', text[start]:
			return i
		}
	}
	return len(text)
}

// skipComment returns the offset of the last byte of the comment that starts here, or start
// when there is none.
func skipComment(text string, start int) int {
	rest := text[start:]
	end := ""
	switch {
	case strings.HasPrefix(rest, "//"):
		end = "\n"
	case strings.HasPrefix(rest, "/*"):
		end = "*/"
	default:
		return start
	}
	if n := strings.Index(rest[2:], end); n >= 0 {
		return start + 2 + n + len(end) - 1
	}
	return len(text)
}
