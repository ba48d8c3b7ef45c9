package repl

import (
	"fmt"
)

// A Statement is one statement of a text: words, and where the result goes.
//
//	[ $name = ] word... [ "|" shell command | ">" path | ">>" path ] [ "&" ] [ # comment ]
//
// Words are quoted as in a POSIX shell: '...' is literal, in "..." and outside of quotes a
// backslash makes the next character literal; see [Word.Expansions]. A word that begins with {
// or [ is a document, which is kept unchanged up to its closing bracket, line ends included;
// so is a document or a string in double quotes behind :=, and a document behind =. Operators
// stand at the beginning of a word.
type Statement struct {
	Start, End int    // in the text, without the comment
	Assign     string // the name behind $
	Words      []Word
	Pipe       string  // the command behind |, as it was typed
	To         Word    // the path behind > or >>
	Append     bool    // >>
	Background bool    // &
	Missing    Missing // what is missing at the end of the text
	operator   Span    // the first operator
	operators  int     // how many there are
}

// A Word is a word of a statement.
type Word struct {
	Text       string // without quotes
	Start, End int    // in the text of all statements
	Raw        bool   // there were no quotes: Text is what was typed
	places     []int  // the position in the text of each byte of Text; nil when Raw
	hidden     []bool // for each byte of Text whether it was literal, by a quote or backslash; nil when Raw
}

// Place is where in the text the byte i of the word was typed.
func (w Word) Place(i int) int {
	switch {
	case w.Raw:
		return w.Start + min(i, len(w.Text))
	case i < len(w.places):
		return w.places[i]
	}
	return w.End
}

// A Missing says why a text is not complete: a bracket or quote that is not closed, or a
// backslash at the end. It is 0 for a complete text.
type Missing byte

// A SyntaxError is a statement that has no meaning.
type SyntaxError struct {
	Start, End int // in the text
	Problem    string
}

func (e *SyntaxError) Error() string { return e.Problem }

// Parse splits a text into statements. The error is a *SyntaxError; the statements before it
// are returned too.
func Parse(text string) ([]Statement, error) {
	statements := Lex(text)
	for i, s := range statements {
		if err := s.check(); err != nil {
			return statements[:i], err
		}
	}
	return statements, nil
}

// Incomplete reports whether a text goes on, because its last statement has something open.
func Incomplete(text string) bool {
	s := Lex(text)
	return len(s) > 0 && s[len(s)-1].Missing != 0
}

// check finds what is wrong with the form of a statement.
func (s *Statement) check() error {
	at := s.operator
	switch {
	case s.Missing == '\\':
		return &SyntaxError{s.End - 1, s.End, "nothing follows the backslash"}
	case s.Missing != 0:
		return &SyntaxError{s.End, s.End, fmt.Sprintf("%c is not closed", s.Missing)}
	case len(s.Words) == 0:
		what := "there is nothing to run"
		if s.Assign != "" {
			what = "$" + s.Assign + " = what?"
		}
		return &SyntaxError{s.Start, s.End, what}
	case at.End > at.Start && s.Pipe == "" && s.To.End == 0 && !s.Background:
		return &SyntaxError{at.Start, at.End, "something is missing after it"}
	case s.Background && at.Start >= s.Words[0].Start && s.Words[len(s.Words)-1].Start > at.Start:
		return &SyntaxError{at.Start, at.End, "& stands at the end; put it in quotes when it is text"}
	case s.To.End > 0 && s.Words[len(s.Words)-1].Start > s.To.Start:
		last := s.Words[len(s.Words)-1]
		return &SyntaxError{last.Start, last.End, "nothing may follow the file's name"}
	}
	return nil
}

// Lex splits any text into statements, half-typed ones too. A statement that is wrong or not
// complete is in the result as far as it goes.
func Lex(text string) []Statement {
	l := &lexer{text: text}
	return l.statements()
}

func (l *lexer) statements() []Statement {
	var all []Statement
	for l.i < len(l.text) {
		l.blanks()
		switch {
		case l.i >= len(l.text):
		case l.text[l.i] == '\n':
			l.i++
		case l.text[l.i] == '#':
			l.comment()
		default:
			all = append(all, l.statement())
		}
	}
	return all
}
