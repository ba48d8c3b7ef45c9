package many

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// each makes a call for each request of a list.
func (m *calls) each(ctx context.Context) error {
	if err := m.prepare(ctx); err != nil {
		return err
	}
	transport, err := call.Transport(ctx, m.app.Session, m.call.Timeout)
	if err != nil {
		return err
	}
	list, err := input.NewList(m.o.Parts(), m.o.Input(ctx, m.app, m.call.Method.Input(), m.call.Types))
	if errors.Is(err, input.ErrNoList) {
		return problem.Usage(errors.New("--each needs a list of requests"), "-d @FILE, or -d @- for standard input")
	}
	if err != nil {
		return err
	}
	m.closers = append(m.closers, list.Close)
	_, m.size = list.Read()
	m.list = &inputList{list: list, m: m}
	if path := m.many.failures; path != "" {
		inPlace := m.inPlace(path, list)
		if inPlace && m.many.skip > 0 {
			return problem.Usage(
				fmt.Errorf("--failures %s would replace the list, and what --skip passes over would be lost",
					path), "give --failures another file")
		}
		if m.failures, err = createFailures(path, list, m.app.Env.Secrets); err != nil {
			return err
		}
		m.failures.inPlace = inPlace
	}
	if err := m.open(ctx); err != nil {
		return errors.Join(err, m.failures.abandon())
	}
	return m.start(ctx, &invoke.Invoker{Transport: transport, Now: m.app.Env.Now}, m.eachOutcome)
}

// eachOutcome is outcome for a list. A list may be live, such as a pipe with a request now and
// then, and only the user knows when it takes too long. So after an interrupt the error says
// what was being waited for.
func (m *calls) eachOutcome(ctx context.Context, sum *fanout.Summary, err error) error {
	l, ok := m.list.(*inputList)
	if ok && l.interrupted && l.list.File() != "" && ctx.Err() != nil {
		text := "interrupted while reading " + l.list.File()
		sum.ListErr = (&invoke.Status{
			Code: codes.Canceled, Message: text, Origin: invoke.OriginClient,
			Cause: ctx.Err(),
		}).Err()
	}
	return m.outcome(ctx, sum, err)
}

// An inputList is the list of a run, read by package input.
type inputList struct {
	list   *input.List
	m      *calls
	record input.Record

	interrupted bool // while it was read
}

// Next reads the next request.
func (l *inputList) Next(ctx context.Context, r *fanout.Request) error {
	l.record.Text, l.record.Wire = r.Text, r.Wire
	err := l.list.Next(ctx, &l.record)
	r.Text, r.Wire, r.Err = l.record.Text, l.record.Wire, l.record.Err
	l.interrupted = err != nil && err == ctx.Err()
	taken, _ := l.list.Read()
	l.m.taken.Store(taken)
	return err
}

// inPlace reports whether a file of failures is the one that the list is in.
func (m *calls) inPlace(path string, list *input.List) bool {
	var from os.FileInfo
	var err error
	if stdin, ok := m.app.Env.Stdin.(*os.File); ok && list.File() == "" {
		from, err = stdin.Stat()
	} else {
		from, err = os.Stat(list.File())
	}
	if err != nil {
		return false
	}
	for _, name := range []string{path, path + ".status"} {
		if to, err := os.Stat(name); err == nil && to.Mode().IsRegular() && os.SameFile(from, to) {
			return true
		}
	}
	return false
}

// failures are the requests that failed, as they stood in the list, and why each did.
type failures struct {
	path         string
	inPlace      bool // the list is in the file that they replace
	list         *input.List
	file, status *outfile.File
	requests     *bufio.Writer
	statuses     *bufio.Writer
	begun        bool
	line         []byte
	secrets      *secret.Seen // that no message may have
}

func createFailures(path string, list *input.List, secrets *secret.Seen) (*failures, error) {
	file, err := outfile.Create(path)
	if err != nil {
		return nil, err
	}
	status, err := outfile.Create(path + ".status")
	if err != nil {
		return nil, errors.Join(err, file.Abandon())
	}
	return &failures{
		path: path, list: list, secrets: secrets, file: file, status: status,
		requests: bufio.NewWriter(file), statuses: bufio.NewWriter(status),
	}, nil
}

// A failureStatus is a line of the status file.
type failureStatus struct {
	Index   int    `json:"index"`
	Code    *int   `json:"code"` // null: nothing was sent
	Name    string `json:"name"`
	Message string `json:"message"`
}

// add writes a request that failed.
func (f *failures) add(r *fanout.Result) error {
	f.line = f.line[:0]
	if !f.begun {
		f.begun = true
		f.line = append(f.line, f.list.Header()...)
	}
	if len(r.Request.Text) > 0 {
		f.line = f.list.AppendRecord(f.line, r.Request.Text)
	}
	_, err := f.requests.Write(f.line)
	s := failureStatus{Index: r.Index, Name: "BAD_REQUEST", Message: r.Err.Error()}
	var se *invoke.StatusError
	if errors.As(r.Err, &se) {
		code := int(se.Status.Code)
		s.Code, s.Name, s.Message = &code, invoke.CodeName(se.Status.Code), se.Status.Message
	} else if r.Request.Err == nil {
		s.Name = "BAD_ANSWER"
	}
	s.Message = formatters.CleanLine(f.secrets.MaskWords(s.Message))
	line, jerr := json.Marshal(s)
	_, serr := f.statuses.Write(append(line, '\n'))
	return errors.Join(err, jerr, serr)
}

// close ends the files after a run. They are written even when nothing failed, since what an
// earlier run left in them no longer holds. They stay as they were after a run of which
// nothing was done, and after one that was cut short when the file is the list itself, since
// the list has the requests that were not sent.
func (f *failures) close(whole bool, sum *fanout.Summary) error {
	if err := errors.Join(f.requests.Flush(), f.statuses.Flush()); err != nil {
		return errors.Join(err, f.abandon())
	}
	switch {
	case whole:
	case f.inPlace:
		return f.keepBeside()
	case sum.Answered+sum.Failed+sum.Stopped == 0:
		return f.abandon()
	}
	return errors.Join(f.file.Finish(), f.status.Finish())
}

// keepBeside ends the files under names beside the list's, and says how to use them.
func (f *failures) keepBeside() error {
	extension := filepath.Ext(f.path)
	stem := strings.TrimSuffix(f.path, extension)
	name, err := f.file.KeepAs(stem, extension)
	_, serr := f.status.KeepAs(stem, extension+".status")
	text := f.path + " is left as it was"
	if name != "" {
		text += "; what failed is in " + name
	}
	return errors.Join(err, serr, &outfile.PartialError{Text: text})
}

// abandon removes the files. It does nothing to nil failures.
func (f *failures) abandon() error {
	if f == nil {
		return nil
	}
	return errors.Join(f.file.Abandon(), f.status.Abandon())
}
