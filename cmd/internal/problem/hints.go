package problem

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// Hints returns the next steps that would help, most often one or none. First comes that
// of the cause, which is chosen here by the type of the error; then those that errors
// around it have themselves.
func Hints(err error) []string { return append(causeHints(err), nextSteps(err)...) }

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
	var shared *sharedLimitError
	switch {
	case errors.As(err, &shared):
		return hintList(
			fmt.Sprintf("%d calls at the same time share %d MiB; --max-recv-size sets the limit of each of them",
				shared.calls, shared.bytes>>20))
	case errors.As(err, &file):
		return hintList(flagFileHint(file))
	case errors.As(err, &exposed):
		return hintList(exposedHint(exposed))
	case errors.As(err, &option):
		return hintList(option.Hint)
	case errors.As(err, &badUsage):
		return hintList(badUsage.Hint)
	case errors.Is(err, session.ErrNoTarget):
		return hintList("name one with -a host:port or RPCCTL_ADDR; -a demo: is a server inside rpcctl")
	case errors.As(err, &unknown):
		return unknownHint(unknown)
	case errors.As(err, new(*discovery.AmbiguousError)):
		return hintList("give more of the name, from the left")
	case schemaHint(err) != "":
		return hintList(schemaHint(err))
	case errors.As(err, &conn):
		return hintList(connectHint(conn))
	case errors.As(err, new(*discovery.NoReflectionError)):
		return hintList("give the schema with --proto FILE and -I DIR, or with --protoset FILE")
	case errors.As(err, &field) && field.Nearest != "":
		return hintList(fmt.Sprintf("did you mean %s?", field.Nearest))
	case errors.As(err, &bad):
		return inputHint(bad)
	case errors.As(err, new(*formatters.BulkError)):
		return hintList("-o json prints it in pieces, and so does -o ndjson")
	case errors.As(err, &wire):
		return hintList(wireHint(wire))
	case errors.As(err, &refused):
		return hintList("the server refused the credentials that it was given, from " +
			strings.Join(refused.from, ", "))
	case errors.As(err, &status):
		return hintList(statusHint(status.Status))
	case errors.Is(err, syscall.EADDRINUSE):
		return hintList("--listen 127.0.0.1:0 takes a free port")
	}
	return nil
}

// wireHint returns the next step after a response that is not a message of its type.
func wireHint(e *transcode.WireError) string {
	if e.Problem == transcode.Scattered || e.Problem == transcode.TooLong {
		return "-o raw writes it as it came"
	}
	return "the schema in use is not the one that the server answers with"
}

// hintList returns a list of one hint, or none for "".
func hintList(hint string) []string {
	if hint == "" {
		return nil
	}
	return []string{hint}
}

// Unauthenticated reports whether a server refused a call for want of valid credentials.
func Unauthenticated(s *invoke.Status) bool {
	return s.Code == codes.Unauthenticated && s.Origin == invoke.OriginServer
}

// flagFileHint returns the next step when a file with credentials is missing, else "".
func flagFileHint(e *flagFileError) string {
	if !errors.Is(e.err, fs.ErrNotExist) {
		return ""
	}
	switch e.flag {
	case "--bearer-file":
		return "write the token into it; --bearer-env NAME takes it from the environment, --auth-command from a program"
	case "--password-file":
		return "write the password into it; --password-env NAME takes it from the environment"
	default:
		return "write it, with lines such as machine HOST login USER password WORD; NETRC names another file"
	}
}

func unknownHint(e *discovery.UnknownError) []string {
	look := "rpcctl list"
	if e.In != "" {
		look += " " + e.In
	}
	if len(e.Near) == 0 {
		return hintList(look + " shows what there is")
	}
	return hintList(fmt.Sprintf("did you mean %s? (%s)", strings.Join(e.Near, " or "), look))
}

func inputHint(e *input.Error) []string {
	var meant []string
	for _, f := range e.Faults {
		if f.Suggestion != "" && f.Start < f.End && f.End <= len(f.Text) {
			meant = append(meant, fmt.Sprintf("%s for %s", f.Suggestion, strings.Trim(f.Text[f.Start:f.End], `"`)))
		}
	}
	if len(meant) > 1 {
		return hintList(fmt.Sprintf("did you mean %s?", strings.Join(meant, ", ")))
	}
	if s := e.Suggestion(); s != "" {
		return hintList(fmt.Sprintf("did you mean %s?", s))
	}
	return nil
}

// connectHints has a hint for each way in which a connection fails: a flag, or what to look
// at.
var connectHints = [...]struct {
	kind connect.Kind
	hint string
}{
	{connect.Refused, "nothing listens there: is the server running, and is the port right?"},
	{connect.UnknownHost, "check the spelling of the host, and the network's name service"},
	{connect.NoSocket, "no server has made that socket: is it running, and is the path right?"},
	{connect.Elsewhere, "a name that ends in localhost is this machine's: use the name of the other one, with TLS"},
	{connect.Unreachable, "check the address and the network"},
	{connect.TimedOut, "check the address and any firewall; --connect-timeout gives it more time"},
	{connect.ServerTLS, "use --tls, or https:// before the host; -k trusts any certificate"},
	{connect.ServerPlaintext, "use --plaintext, or http:// before the host"},
	{connect.HTTP1, "gRPC needs HTTP/2: is it the right port, or is there a proxy in between? --protocol names what does without"},
	{connect.Garbage, "is it the right port?"},
	{connect.Closed, "is it the right port? A server that wants TLS needs --tls"},
	{connect.UnknownAuthority, "trust its issuer with --cacert FILE, or any certificate with -k"},
	{connect.WrongName, "expect one of its names with --servername NAME"},
	{connect.Expired, "check this machine's clock; -k accepts it all the same"},
	{connect.NotYetValid, "check this machine's clock; -k accepts it all the same"},
	{connect.ClientCert, "give one with --cert FILE and --key FILE"},
	{connect.ClientCertBad, "give one that the server trusts with --cert FILE and --key FILE"},
	{connect.NoALPN, "gRPC needs HTTP/2: is it the right port, or is there a proxy in between? --protocol names what does without"},
	{connect.NotGRPC, "is it the right port, and does what is in between pass gRPC on? --protocol names another one"},
	{connect.ProxyUnusable, "a proxy is http://host:port or https://host:port, with user:password@ before its host if it wants them"},
	{connect.ProxyRefused, "HTTPS_PROXY names the proxy, with user:password@ before its host if it wants them; NO_PROXY=host goes round it"},
}

// connectHint returns the hint for a failed connection, or "".
func connectHint(e *connect.Error) string {
	if e.Proxy && e.Kind != connect.ProxyRefused {
		return "HTTPS_PROXY names the proxy; NO_PROXY=host goes round it"
	}
	for _, h := range connectHints {
		if h.kind == e.Kind {
			return h.hint
		}
	}
	return ""
}

// statusHint returns the next step after a status, or "".
func statusHint(s *invoke.Status) string {
	var (
		ended  *connect.EndedError
		beyond *invoke.LimitError
	)
	switch {
	case Unauthenticated(s):
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

// beyondHint says what is missing from a response that is beyond the limits of rpcctl.
func beyondHint(s *invoke.Status, e *invoke.LimitError) string {
	if s.Origin == invoke.OriginServer {
		return fmt.Sprintf(
			"this is the server's own status; the rest of its %s is beyond the %d bytes that rpcctl takes", e.Part,
			e.Limit)
	}
	return "the limit is rpcctl's own, and no option changes it: the server should send less besides its messages"
}

// endedHint returns the next step after a server that ended a stream or a connection, or "".
func endedHint(e *connect.EndedError) string {
	switch e.Code {
	case "ENHANCE_YOUR_CALM":
		return "the server takes the calls or the pings for too many: wait, or send fewer with --concurrency, --rate or a longer --keepalive-time"
	case "INTERNAL_ERROR":
		return fmt.Sprintf(
			"servers do so when their headers or trailers are greater than the client takes them: rpcctl takes %d bytes", invoke.MaxHeaders)
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

// exposedHint returns how to permit a secret that was held back.
func exposedHint(e *session.ExposedError) string {
	if e.Untrusted != "" {
		return "look at what the file asks for with rpcctl context show, and trust it with rpcctl context trust"
	}
	return "use https:// or --tls; --plaintext-credentials sends it all the same"
}

// nextSteps returns the hints of the errors in a tree that have a method NextStep, from the
// outside in.
func nextSteps(err error) []string {
	var found []string
	if e, ok := err.(interface{ NextStep() string }); ok {
		found = hintList(e.NextStep())
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
