package invoke

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// A Security says whether a connection is encrypted.
type Security uint8

// The ways to secure a connection.
const (
	// SecurityAuto is plaintext for this machine, or TLS if the server answers so,
	// and TLS for any other host.
	SecurityAuto Security = iota
	SecurityPlaintext
	SecurityTLS
)

// A Target is where calls go. It is plain data: nothing is looked up or dialled
// to make one.
type Target struct {
	// Network and Address are what is dialled: tcp and host:port, unix and the path
	// of a socket (a name after "@" for an abstract one). Network is "resolver" when
	// Address is a whole URI for one of the name resolvers of the gRPC library
	// (https://github.com/grpc/grpc/blob/master/doc/naming.md), and "demo" for the
	// demo server inside this process.
	Network, Address string
	Security         Security
	Prefix           string // of the path, for Connect and gRPC-Web: "" or "/api"
}

// The networks of a Target besides tcp and unix.
const (
	NetworkResolver = "resolver"
	NetworkDemo     = "demo"
)

// ErrNoPort means that an address has no port and its scheme has no usual one.
var ErrNoPort = errors.New("no port")

// ParseTarget reads a target as people write it: host:port, http://host[:port],
// https://host[:port], unix:path, unix:///path, unix-abstract:name, demo:, or
// dns:///host:port and other schemes of the gRPC library.
func ParseTarget(s string) (Target, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch {
	case s == "":
		return Target{}, errors.New("empty target")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return Target{}, badTarget(s, errors.New("white space or a control character"))
	case s == "demo:" || s == "demo://":
		return Target{Network: NetworkDemo, Address: "demo", Security: SecurityPlaintext}, nil
	case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
		return parseHTTPTarget(s)
	case s == scheme: // no colon
		return parseHostPort(s)
	case scheme == "unix":
		return unixTarget(s, strings.TrimPrefix(rest, "//"))
	case scheme == "unix-abstract":
		return unixTarget(s, "@"+rest)
	case strings.Contains(s, "://"):
		if _, rest, _ := strings.Cut(s, "://"); strings.Contains(rest, "@") {
			return Target{}, badTarget(s, errUser)
		}
		return Target{Network: NetworkResolver, Address: s}, nil
	}
	return parseHostPort(s)
}

// badTarget is why a target cannot be read. It never shows a password.
func badTarget(s string, why error) error { return fmt.Errorf("target %q: %w", MaskTarget(s), why) }

var errUser = errors.New("a user or password in a target is not used; give a header")

var errQuery = errors.New("a query or fragment has no meaning here")

// MaskTarget returns what was typed for a target with ••• in the place of what may be a
// password or a token: everything before an @ that follows a colon or stands first, and a
// query or fragment.
func MaskTarget(s string) string {
	if i := strings.IndexAny(s, "?#"); i >= 0 && !strings.HasPrefix(s, "unix:") {
		return MaskTarget(s[:i]) + s[i:i+1] + "•••"
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	} else {
		scheme += "://"
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 || strings.HasPrefix(s, "unix:") {
		return s
	}
	user, _, hasPassword := strings.Cut(rest[:at], ":")
	if !hasPassword {
		return scheme + "•••" + rest[at:]
	}
	return scheme + user + ":•••" + rest[at:]
}

func unixTarget(s, path string) (Target, error) {
	if path == "" || path == "@" {
		return Target{}, badTarget(s, errors.New("no path of a socket"))
	}
	return Target{Network: "unix", Address: path, Security: SecurityPlaintext}, nil
}

func parseHTTPTarget(s string) (Target, error) {
	u, err := url.Parse(s)
	if err != nil {
		// This is only the reason: the text of url's error repeats the target, user and
		// password included.
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		if strings.Contains(s, "@") { // a text that cannot be parsed cannot be redacted either
			return Target{}, fmt.Errorf("target with a user or password: %w", err)
		}
		return Target{}, badTarget(s, err)
	}
	if u.User != nil {
		return Target{}, badTarget(s, errUser)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return Target{}, badTarget(s, errQuery)
	}
	t := Target{Network: "tcp", Security: SecurityPlaintext, Prefix: strings.TrimRight(u.EscapedPath(), "/")}
	port := "80"
	if u.Scheme == "https" {
		t.Security, port = SecurityTLS, "443"
	}
	if p := u.Port(); p != "" {
		port = p
	}
	if u.Hostname() == "" {
		return Target{}, badTarget(s, errors.New("no host"))
	}
	if err := checkPort(port); err != nil {
		return Target{}, badTarget(s, err)
	}
	t.Address = net.JoinHostPort(u.Hostname(), port)
	return t, nil
}

func parseHostPort(s string) (Target, error) {
	if strings.Contains(s, "@") {
		return Target{}, badTarget(s, errUser)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		var ae *net.AddrError
		if errors.As(err, &ae) && ae.Err == "missing port in address" {
			return Target{}, badTarget(s, ErrNoPort)
		}
		if errors.As(err, &ae) {
			err = errors.New(ae.Err)
		}
		return Target{}, badTarget(s, err)
	}
	if strings.ContainsAny(host, "?#") {
		return Target{}, badTarget(s, errQuery)
	}
	if strings.Contains(host, "/") {
		return Target{}, badTarget(s, errors.New("a path needs http:// or https:// before the host"))
	}
	if port == "" {
		return Target{}, badTarget(s, ErrNoPort)
	}
	if err := checkPort(port); err != nil {
		return Target{}, badTarget(s, err)
	}
	if host == "" {
		host = "localhost"
	}
	return Target{Network: "tcp", Address: net.JoinHostPort(host, port)}, nil
}

func checkPort(port string) error {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return fmt.Errorf("port %q is not a number from 1 to 65535", MaskTarget(port))
	}
	return nil
}

// Host returns the host of a tcp target, without brackets, and "" for others.
func (t Target) Host() string {
	if t.Network != "tcp" {
		return ""
	}
	host, _, err := net.SplitHostPort(t.Address)
	if err != nil {
		return ""
	}
	return host
}

// Local reports whether the target is on this machine by its name alone: a socket,
// the demo, a loopback address, or localhost (RFC 6761, section 6.3).
func (t Target) Local() bool {
	switch t.Network {
	case "unix", NetworkDemo:
		return true
	case "tcp":
		host := strings.ToLower(strings.TrimSuffix(t.Host(), "."))
		if host == "localhost" || strings.HasSuffix(host, ".localhost") {
			return true
		}
		a, err := netip.ParseAddr(host)
		return err == nil && (a.Unmap().IsLoopback() || a.IsUnspecified())
	default:
		return false
	}
}

// Named reports whether the target is on this machine by a name, which somebody may resolve to
// the address of another.
func (t Target) Named() bool {
	if t.Network != "tcp" || !t.Local() {
		return false
	}
	_, err := netip.ParseAddr(t.Host())
	return err != nil
}

// Same reports whether two targets lead to the same place, whatever the protocol.
func (t Target) Same(other Target) bool {
	return t.Network == other.Network && strings.EqualFold(t.Address, other.Address)
}

// String returns the target as ParseTarget reads it.
func (t Target) String() string {
	switch t.Network {
	case NetworkDemo:
		return "demo:"
	case "unix":
		if name, ok := strings.CutPrefix(t.Address, "@"); ok {
			return "unix-abstract:" + name
		}
		return "unix:" + t.Address
	case NetworkResolver:
		return t.Address
	}
	switch t.Security {
	case SecurityPlaintext:
		return "http://" + t.Address + t.Prefix
	case SecurityTLS:
		return "https://" + t.Address + t.Prefix
	default:
		return t.Address
	}
}
