package app

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// traceLevel is the number of -v from which on lookups and connections are told.
const traceLevel = 2

// Connected prints a step of making a connection, with -vv. It may be called by
// several goroutines.
func (a *App) Connected(s connect.Step) {
	if a.Globals.Verbose < traceLevel {
		return
	}
	what := "connected"
	switch {
	case s.Err != nil:
		what = s.Err.Error()
	case s.TLS != nil:
		what = handshake(s.TLS)
	case s.Remote != "" && s.Remote != s.Address:
		what += " to " + s.Remote
	}
	a.trace("Connection: %s: %s (%s)\n", s.Address, what, human.Millis(s.Took))
}

// handshake is what was agreed on in a TLS handshake, and with whom.
func handshake(s *tls.ConnectionState) string {
	text := fmt.Sprintf("%s, ALPN %s", tls.VersionName(s.Version), cmp.Or(s.NegotiatedProtocol, "none"))
	if len(s.PeerCertificates) > 0 {
		c := s.PeerCertificates[0]
		text += fmt.Sprintf(", certificate %s, issued by %s, until %s", c.Subject, c.Issuer,
			c.NotAfter.UTC().Format(time.DateOnly))
	}
	return text
}

// Asked prints a question about the schema, with -vv. It may be called by several
// goroutines.
func (a *App) Asked(q discovery.Asked) {
	if a.Globals.Verbose < traceLevel {
		return
	}
	outcome := "answered"
	if q.Err != nil {
		outcome = human.FirstLine(q.Err.Error())
	}
	a.trace("Schema: %s, asked of reflection %s: %s (%s)\n", q.Question, cmp.Or(q.Version, "v1"), outcome,
		human.Millis(q.Took))
}

// TellOrigin tells where the schema of a call comes from, with -vv, when the server was not
// asked for it.
func (a *App) TellOrigin() {
	if a.Globals.Verbose < traceLevel {
		return
	}
	s := a.Session.Settings()
	if files := append(append([]string{}, s.Protos...), s.Protosets...); len(files) > 0 {
		for i, name := range files {
			files[i] = secret.Address(name)
		}
		a.trace("Schema: from %s\n", strings.Join(files, ", "))
	}
	if a.Session.FromMemory() {
		a.trace("Schema: remembered from an earlier call; --no-cache asks the server\n")
	}
}

// trace prints one line in one write.
func (a *App) trace(format string, args ...any) {
	line := formatters.Clean(fmt.Sprintf(format, args...), true)
	a.tracing.Lock()
	defer a.tracing.Unlock()
	fmt.Fprint(a.Env.Stderr, line) // there is nobody left to tell
}
