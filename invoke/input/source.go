package input

import (
	"context"
	"io"
)

// A Source yields the request messages of a call. It is an invoke.Requests, not safe for
// concurrent use.
type Source struct {
	o       Options
	groups  []*group // whose messages are returned in turn
	current int
	count   int   // messages yielded
	stdin   bool  // a group that is done read standard input
	err     error // what every call returns from now on
}

// New returns the messages that the parts make. It checks at once what was typed, and that the
// files exist; before Next it neither reads standard input nor opens a file. The error is an
// *Error.
func New(parts []Part, o Options) (*Source, error) {
	s := &Source{o: o}
	if err := s.prepare(parts); err != nil {
		return nil, o.conceal(err)
	}
	return s, nil
}

// prepare makes the groups of the parts, and the messages that were typed.
func (s *Source) prepare(parts []Part) error {
	if err := s.group(parts); err != nil {
		return err
	}
	count := 0
	for _, g := range s.groups {
		if g.lazy {
			if err := g.rehearse(); err != nil {
				return err
			}
			count = -1
			continue
		}
		n, err := g.prepare(s.o.Streams, count)
		if err != nil {
			return err
		}
		if count >= 0 {
			count += n
		}
	}
	return nil
}

// group sorts the parts into groups: where the client streams, each document part and the
// words after it; otherwise all of them.
func (s *Source) group(parts []Part) error {
	stdin := -1
	var g *group
	var wrong wrongs
	dec := newDecoders(&s.o)
	for i, p := range parts {
		kind, name := p.kind(&s.o)
		switch kind {
		case partStdin:
			if stdin >= 0 {
				return readTwice(parts, stdin, i)
			}
			stdin = i
		case partFile:
			if err := p.checkFile(i, name, &s.o); err != nil {
				return err
			}
		case partNothing:
			continue
		}
		if g == nil || s.o.Streams && kind != partWord {
			g = &group{o: &s.o, decoders: dec}
			s.groups = append(s.groups, g)
		}
		err := g.add(i, p, kind, name)
		if err != nil {
			err = wrong.add(err)
		}
		if err != nil {
			return err
		}
	}
	if wrong.e != nil {
		return s.wrongWords(&wrong)
	}
	if len(s.groups) == 0 && !s.o.Streams {
		s.groups = []*group{{o: &s.o}}
	}
	return nil
}

// readTwice is the error when two parts read standard input.
func readTwice(parts []Part, first, second int) error {
	before := typedPlace(first, parts[first].Text, 0, len(parts[first].Text))
	p := parts[second]
	return newError(second, p.Origin, "", []Fault{{
		Place:      typedPlace(second, p.Text, 0, len(p.Text)),
		Problem:    "standard input can be read only once",
		Also:       &before,
		AlsoOrigin: parts[first].Origin,
	}})
}

// wrongWords returns the error for wrong words, with the faults of the other words.
func (s *Source) wrongWords(wrong *wrongs) error {
	for _, g := range s.groups {
		if err := g.rehearseWords(wrong); err != nil {
			return err
		}
	}
	return wrong.err()
}

// Next returns the next message in wire form, which is valid until the next call; io.EOF after
// the last one; ctx.Err() soon after ctx is done, even while the input blocks; or an *Error. A
// message from standard input or a pipe is returned as soon as its last byte has been read.
// After ctx.Err() it may be called again, and nothing is lost; after other errors it returns
// the same again.
func (s *Source) Next(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.err != nil {
		return nil, s.err
	}
	for s.current < len(s.groups) {
		number := 0
		if s.o.Streams {
			number = s.count + 1
		}
		wire, err := s.groups[s.current].next(ctx, s.o.Streams, number)
		switch {
		case err == nil:
			s.count++
			return wire, nil
		case err == io.EOF:
			s.stdin = s.Stdin()
			s.groups[s.current].close()
			s.groups[s.current] = nil
			s.current++
		case ctx.Err() != nil && err == ctx.Err():
			return nil, err
		default:
			s.Close()
			s.err = s.o.conceal(err)
			return nil, s.err
		}
	}
	s.err = io.EOF
	return nil, io.EOF
}

// Reading returns the name of the file whose documents come next, "stdin" for standard input
// (Stdin tells the two apart), "" for none.
func (s *Source) Reading() string {
	if s.current == len(s.groups) {
		return ""
	}
	return s.groups[s.current].reading()
}

// Stdin reports whether standard input comes next, or has come before: whatever writes to it
// decides how long the messages take.
func (s *Source) Stdin() bool {
	return s.stdin || s.current < len(s.groups) && s.groups[s.current].stdin()
}

// Close closes the files that are open. Next must not be called afterwards. It need not be
// called after Next has returned io.EOF or an *Error.
func (s *Source) Close() {
	for _, g := range s.groups[s.current:] {
		g.close()
	}
	s.groups, s.current, s.err = nil, 0, io.EOF
}
