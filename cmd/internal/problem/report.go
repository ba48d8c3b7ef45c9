package problem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/internal/palette"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// A Reporter prints errors for people, or statuses as a format asks for them.
type Reporter struct {
	Env    *env.Env
	Types  invoke.Types      // of the details of statuses; may be nil
	Color  bool              // whether standard error gets colours
	Status formatters.Format // of statuses: JSON or Text; "" for people
	// Refused adds to the error of a call which credentials it carried; may be nil.
	Refused func(error) error
}

// Report prints to standard error what went wrong and what to do next. All of it is
// cleaned: much of it comes from outside.
func (r *Reporter) Report(err error) {
	if printed, ok := err.(*printedError); ok {
		err = printed.error
	}
	if parts := partsOf(err); len(parts) > 0 {
		for _, part := range parts {
			r.Report(part)
		}
		return
	}
	if err == nil || ClosedPipe(err) || errors.As(err, new(*ExitError)) {
		return
	}
	var status *invoke.StatusError
	if errors.As(err, &status) && r.Status != "" {
		_ = r.reportStatus(status.Status) // there is no other place to report to
		return
	}
	colors := palette.New(r.Color)
	fmt.Fprintf(r.Env.Stderr, "%s %s", colors.Paint(palette.Bad, "rpcctl:"), r.Explain(err))
	for _, hint := range r.Hints(err) {
		fmt.Fprintf(r.Env.Stderr, "%s %s\n", colors.Paint(palette.Strong, "hint:"), formatters.CleanLine(hint))
	}
}

// partsOf returns the errors that are joined in one, each to be reported: a call that
// failed, and a disk that was full. It returns none when one of them is only a hint about
// another.
func partsOf(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var parts []error
	for _, part := range joined.Unwrap() {
		if errors.As(part, new(*outfile.PartialError)) {
			return nil
		}
		same := func(other error) bool { return other.Error() == part.Error() }
		if !ClosedPipe(part) && !slices.ContainsFunc(parts, same) {
			parts = append(parts, part)
		}
	}
	return parts
}

// reportStatus prints a status in the reporter's format.
func (r *Reporter) reportStatus(s *invoke.Status) error {
	o := formatters.Options{Types: r.Types, Seen: r.Env.Secrets}
	if r.Status == formatters.Text {
		return formatters.WriteErrorText(r.Env.Stderr, s, o)
	}
	return formatters.WriteErrorJSON(r.Env.Stderr, s, o)
}

// Explain returns what went wrong, with a line feed at the end.
func (r *Reporter) Explain(err error) string {
	var (
		status *invoke.StatusError
		bad    *input.Error
		lookup *discovery.ReflectionError
		conn   *connect.Error
		filter *formatters.FilterError
		name   *discovery.NameError
		b      strings.Builder
	)
	var framed framedError
	if text, ok := schemaFault(err); ok && !errors.As(err, &framed) && !errors.As(err, new(*boundfile.WaitError)) {
		return text
	}
	var wait *boundfile.WaitError
	switch {
	case errors.As(err, &wait) && errors.Is(wait, context.Canceled):
		return "interrupted while reading " + formatters.CleanLine(wait.Path) + "\n"
	case errors.As(err, new(*session.CredentialError)) && errors.Is(err, context.Canceled):
		return "interrupted\n"
	case errors.As(err, &framed):
		return framed.Frame(r.Explain(framed.Unwrap()))
	case errors.As(err, &filter):
		return faultyFilter(filter)
	case errors.As(err, new(*session.CredentialError)), errors.As(err, new(*session.ExposedError)):
		return formatters.CleanLine(notMade(err).Error()) + "\n"
	case errors.As(err, &conn):
		return formatters.CleanLine(conn.Error()) + "\n"
	case errors.As(err, &bad):
		return bad.Render(r.Env.Columns()) + "\n"
	case interruptedLookup(err):
		return "interrupted\n"
	case errors.As(err, new(*discovery.NoReflectionError)):
		// The status says no more than that the service is not there.
	case errors.As(err, &status):
		if errors.As(err, &lookup) {
			fmt.Fprintf(&b, "asking the server for the %s: ", formatters.CleanLine(lookup.Question))
		}
		// A strings.Builder takes all that is written.
		_ = formatters.WriteStatus(&b, status.Status,
			formatters.Options{Types: r.Types, Color: r.Color, Width: r.Env.Width, Seen: r.Env.Secrets})
		return b.String()
	case errors.Is(err, context.Canceled):
		return "interrupted\n"
	}
	text := err.Error()
	if errors.As(err, &name) {
		text = redaction.ConcealName(err, name)
	}
	return formatters.Clean(formatters.Cut(text, formatters.MaxText), true) + "\n"
}

// Hints returns the next steps after an error of this command line.
func (r *Reporter) Hints(err error) []string {
	if r.Refused != nil {
		err = r.Refused(err)
	}
	return Hints(err)
}

// faultyFilter returns the text of an error in a jq program, with a mark under its place.
func faultyFilter(e *formatters.FilterError) string {
	text := formatters.CleanLine(e.Error()) + "\n"
	if e.Program == "" || strings.ContainsAny(e.Program, "\n\t") || e.Offset > len(e.Program) {
		return text
	}
	before := formatters.CleanLine(e.Program[:e.Offset])
	return text + "  " + formatters.CleanLine(e.Program) + "\n  " +
		strings.Repeat(" ", utf8.RuneCountInString(before)) + "~\n"
}

// notMade returns why a call was not made, without the status that wraps it.
func notMade(err error) error {
	var (
		credential *session.CredentialError
		exposed    *session.ExposedError
	)
	if errors.As(err, &credential) {
		return credential
	}
	errors.As(err, &exposed)
	return exposed
}
