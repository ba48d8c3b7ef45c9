package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/outfile"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// report tells a person what went wrong and what to do next. All that it prints
// is cleaned: much of it comes from outside.
func (a *app) report(err error) {
	if told, ok := err.(*toldError); ok {
		err = told.error
	}
	if parts := partsOf(err); len(parts) > 0 {
		for _, part := range parts {
			a.report(part)
		}
		return
	}
	if err == nil || closedPipe(err) || errors.As(err, new(*leaving)) {
		return
	}
	var status *invoke.StatusError
	if errors.As(err, &status) && a.statusFormat != "" {
		_ = a.reportFormatted(status.Status) // there is nobody left to tell
		return
	}
	fmt.Fprint(a.env.Stderr, "rpcctl: "+a.explain(err))
	for _, hint := range a.hints(err) {
		fmt.Fprintf(a.env.Stderr, "hint: %s\n", formatters.Clean(hint, false))
	}
}

// partsOf are the things that went wrong one beside the other, each to be told: a
// call that failed, and a disk that was full. What is only a hint to another stays
// with it.
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
		if !closedPipe(part) && !slices.ContainsFunc(parts, same) {
			parts = append(parts, part)
		}
	}
	return parts
}

// reportFormatted prints a status as --format-error asks for it.
func (a *app) reportFormatted(s *invoke.Status) error {
	o := formatters.Options{Types: a.types, Seen: a.env.Secrets}
	if a.statusFormat == formatters.Text {
		return formatters.WriteErrorText(a.env.Stderr, s, o)
	}
	return formatters.WriteErrorJSON(a.env.Stderr, s, o)
}

// explain is what went wrong, with a line feed at the end.
func (a *app) explain(err error) string {
	var (
		status *invoke.StatusError
		bad    *input.Error
		lookup *discovery.ReflectionError
		conn   *connect.Error
		filter *formatters.FilterError
		name   *discovery.NameError
		b      strings.Builder
	)
	var many *manyError
	if text, ok := schemaFault(err); ok && !errors.As(err, &many) && !errors.As(err, new(*boundfile.WaitError)) {
		return text
	}
	var wait *boundfile.WaitError
	switch {
	case errors.As(err, &wait) && errors.Is(wait, context.Canceled):
		return "interrupted while reading " + formatters.Clean(wait.Path, false) + "\n"
	case errors.As(err, new(*session.CredentialError)) && errors.Is(err, context.Canceled):
		return "interrupted\n"
	case errors.As(err, &many):
		return many.say(a.explain(many.Err))
	case errors.As(err, &filter):
		return faultyFilter(filter)
	case errors.As(err, new(*session.CredentialError)), errors.As(err, new(*session.ExposedError)):
		return formatters.Clean(innermostCare(err).Error(), false) + "\n"
	case errors.As(err, &conn):
		return formatters.Clean(conn.Error(), false) + "\n"
	case errors.As(err, &bad):
		return bad.Render(a.env.Columns()) + "\n"
	case interruptedLookup(err):
		return "interrupted\n"
	case errors.As(err, new(*discovery.NoReflectionError)):
		// Its status says no more than that the service is not there.
	case errors.As(err, &status):
		if errors.As(err, &lookup) {
			fmt.Fprintf(&b, "asking the server for the %s: ", formatters.Clean(lookup.Question, false))
		}
		// A strings.Builder takes all that is written.
		_ = formatters.WriteStatus(&b, status.Status, formatters.Options{Types: a.types, Color: a.colour(a.env.StderrTTY), Width: a.env.Width, Seen: a.env.Secrets})
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

// hints are those of an error of this command line, which knows what went with the call.
func (a *app) hints(err error) []string { return hints(a.refused(err)) }

// hints are the next steps that would help, most often one or none. They are
// chosen here alone, by matching errors.
func hints(err error) []string {
	found := causeHints(err)
	var many *manyError
	if errors.As(err, &many) {
		if shared := many.shared(); shared != "" {
			found = some(shared)
		}
		found = append(found, some(many.hint())...)
	}
	var awaited *awaitedError
	if errors.As(err, &awaited) {
		found = append(found, awaited.hint())
	}
	var kept *keptError
	if errors.As(err, &kept) {
		found = append(found, "what was written is in "+kept.path)
	}
	var unread *unreadError
	if errors.As(err, &unread) {
		found = append(found, unread.hint())
	}
	if errors.As(err, new(*unsentError)) {
		found = append(found, "the status is OK all the same: the server's answer tells what it took")
	}
	return append(found, nextSteps(err)...)
}

func causeHints(err error) []string {
	var (
		badUsage *UsageError
		unknown  *discovery.UnknownError
		conn     *connect.Error
		bad      *input.Error
		status   *invoke.StatusError
		wire     *transcode.WireError
		field    *formatters.FieldError
	)
	var (
		exposed *session.ExposedError
		option  *grpcwire.OptionError
		refused *refusedError
		file    *flagFileError
	)
	switch {
	case errors.As(err, &file):
		return some(file.hint())
	case errors.As(err, &exposed):
		return some(exposedHint(exposed))
	case errors.As(err, &option):
		return some(option.Hint)
	case errors.As(err, &badUsage):
		return some(badUsage.Hint)
	case errors.Is(err, session.ErrNoTarget):
		return some("name one with -a host:port or RPCCTL_ADDR; -a demo: is a server inside rpcctl")
	case errors.As(err, &unknown):
		return unknownHint(unknown)
	case errors.As(err, new(*discovery.AmbiguousError)):
		return some("give more of the name, from the left")
	case schemaHint(err) != "":
		return some(schemaHint(err))
	case errors.As(err, &conn):
		return some(connectHint(conn))
	case errors.As(err, new(*discovery.NoReflectionError)):
		return some("give the schema with --proto FILE and -I DIR, or with --protoset FILE")
	case errors.As(err, &field):
		if field.Nearest != "" {
			return some(fmt.Sprintf("did you mean %s?", field.Nearest))
		}
	case errors.As(err, &bad):
		return inputHint(bad)
	case errors.As(err, new(*formatters.BulkError)):
		return some("-o json prints it in pieces, and so does -o ndjson")
	case errors.As(err, &wire) && (wire.Problem == transcode.Scattered || wire.Problem == transcode.TooLong):
		return some("-o raw writes it as it came")
	case errors.As(err, &wire):
		return some("the schema in use is not the one that the server answers with")
	case errors.As(err, &refused):
		return some("the server refused the credentials that it was given, from " + strings.Join(refused.from, ", "))
	case errors.As(err, &status):
		return some(statusHint(status.Status))
	case errors.Is(err, syscall.EADDRINUSE):
		return some("--listen 127.0.0.1:0 takes a free port")
	}
	return nil
}

func some(hint string) []string {
	if hint == "" {
		return nil
	}
	return []string{hint}
}

func unknownHint(e *discovery.UnknownError) []string {
	look := "rpcctl list"
	if e.In != "" {
		look += " " + e.In
	}
	if len(e.Near) == 0 {
		return some(look + " shows what there is")
	}
	return some(fmt.Sprintf("did you mean %s? (%s)", strings.Join(e.Near, " or "), look))
}

func inputHint(e *input.Error) []string {
	var meant []string
	for _, f := range e.Faults {
		if f.Suggestion != "" && f.Start < f.End && f.End <= len(f.Text) {
			meant = append(meant, fmt.Sprintf("%s for %s", f.Suggestion, strings.Trim(f.Text[f.Start:f.End], `"`)))
		}
	}
	if len(meant) > 1 {
		return some(fmt.Sprintf("did you mean %s?", strings.Join(meant, ", ")))
	}
	if s := e.Suggestion(); s != "" {
		return some(fmt.Sprintf("did you mean %s?", s))
	}
	return nil
}

// faultyFilter shows where in a jq program the fault is.
func faultyFilter(e *formatters.FilterError) string {
	text := formatters.Clean(e.Error(), false) + "\n"
	if e.Program == "" || strings.ContainsAny(e.Program, "\n\t") || e.Offset > len(e.Program) {
		return text
	}
	before := formatters.Clean(e.Program[:e.Offset], false)
	return text + "  " + formatters.Clean(e.Program, false) + "\n  " + strings.Repeat(" ", utf8.RuneCountInString(before)) + "~\n"
}

// connectHint is the flag or the look that helps against a connection's failure.
func connectHint(e *connect.Error) string {
	if e.Proxy && e.Kind != connect.ProxyRefused {
		return "HTTPS_PROXY names the proxy; NO_PROXY=host goes round it"
	}
	switch e.Kind {
	case connect.Refused:
		return "nothing listens there: is the server running, and is the port right?"
	case connect.UnknownHost:
		return "check the spelling of the host, and the network's name service"
	case connect.NoSocket:
		return "no server has made that socket: is it running, and is the path right?"
	case connect.Elsewhere:
		return "a name that ends in localhost is this machine's: use the name of the other one, with TLS"
	case connect.Unreachable:
		return "check the address and the network"
	case connect.TimedOut:
		return "check the address and any firewall; --connect-timeout gives it more time"
	case connect.ServerTLS:
		return "use --tls, or https:// before the host; -k trusts any certificate"
	case connect.ServerPlaintext:
		return "use --plaintext, or http:// before the host"
	case connect.HTTP1:
		return "gRPC needs HTTP/2: is it the right port, or is there a proxy in between? --protocol names what does without"
	case connect.Garbage:
		return "is it the right port?"
	case connect.Closed:
		return "is it the right port? A server that wants TLS needs --tls"
	case connect.UnknownAuthority:
		return "trust its issuer with --cacert FILE, or any certificate with -k"
	case connect.WrongName:
		return "expect one of its names with --servername NAME"
	case connect.Expired, connect.NotYetValid:
		return "check this machine's clock; -k accepts it all the same"
	case connect.ClientCert:
		return "give one with --cert FILE and --key FILE"
	case connect.ClientCertBad:
		return "give one that the server trusts with --cert FILE and --key FILE"
	case connect.NoALPN:
		return "gRPC needs HTTP/2: is it the right port, or is there a proxy in between? --protocol names what does without"
	case connect.NotGRPC:
		return "is it the right port, and does what is in between pass gRPC on? --protocol names another one"
	case connect.ProxyUnusable:
		return "a proxy is http://host:port or https://host:port, with user:password@ before its host if it wants them"
	case connect.ProxyRefused:
		return "HTTPS_PROXY names the proxy, with user:password@ before its host if it wants them; NO_PROXY=host goes round it"
	default:
		return ""
	}
}

// statusHint is the next step for statuses that have a usual one.
func statusHint(s *invoke.Status) string {
	var (
		ended  *connect.EndedError
		beyond *invoke.LimitError
	)
	switch {
	case unauthenticated(s):
		return "give credentials with --bearer-file, --bearer-env, --basic, --netrc or --auth-command"
	case errors.As(s.Cause, new(*connect.LateError)):
		return "check the address and any firewall, or give it more time with --timeout"
	case errors.As(s.Cause, &ended):
		return endedHint(ended)
	case errors.Is(s.Cause, invoke.ErrTooLarge):
		return "--max-recv-size allows a greater message"
	case errors.As(s.Cause, &beyond):
		return beyondHint(s, beyond)
	case errors.Is(s.Cause, invoke.ErrHTTPVersion):
		return "the server may want HTTP/2 for streams both ways, of which reflection is one: give the schema with --proto FILE or --protoset FILE"
	default:
		return ""
	}
}

// beyondHint says what is missing of an answer that is greater than rpcctl takes it.
func beyondHint(s *invoke.Status, e *invoke.LimitError) string {
	if s.Origin == invoke.OriginServer {
		return fmt.Sprintf("this is the server's own status; the rest of its %s is beyond the %d bytes that rpcctl takes", e.Part, e.Limit)
	}
	return "the limit is rpcctl's own, and no option changes it: the server should send less besides its messages"
}

// endedHint is the next step after a server that broke off.
func endedHint(e *connect.EndedError) string {
	switch e.Code {
	case "ENHANCE_YOUR_CALM":
		return "the server takes the calls or the pings for too many: wait, or send fewer with --concurrency, --rate or a longer --keepalive-time"
	case "INTERNAL_ERROR":
		return fmt.Sprintf("servers do so when their headers or trailers are greater than the client takes them: rpcctl takes %d bytes", invoke.MaxHeaders)
	case "NO_ERROR":
		return "the server is going down or has served this connection for long enough: try again"
	case "REFUSED_STREAM":
		return "nothing was done with the call: try again, or let --retry do it"
	case "HTTP_1_1_REQUIRED":
		return "the server wants HTTP/1.1 for this: --protocol connect or grpc-web, with --http 1.1"
	default:
		return ""
	}
}

// innermostCare returns what kept a call from being made, without the status in
// which it was wrapped.
func innermostCare(err error) error {
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

// exposedHint is how a secret may go where it was kept from going.
func exposedHint(e *session.ExposedError) string {
	if e.Untrusted != "" {
		return "look at what the file asks for with rpcctl context show, and trust it with rpcctl context trust"
	}
	return "use https:// or --tls; --plaintext-credentials sends it all the same"
}

// nextSteps are the hints that errors in the tree of an error have themselves, from the
// outside in.
func nextSteps(err error) []string {
	var found []string
	if e, ok := err.(interface{ NextStep() string }); ok {
		found = some(e.NextStep())
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		found = append(found, nextSteps(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			found = append(found, nextSteps(part)...)
		}
	}
	return found
}
