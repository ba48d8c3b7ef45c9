package config

import (
	"slices"
	"strconv"
)

// A Kind is what a setting takes.
type Kind uint8

// The kinds of settings. But for Headers and Switch they are read by the flag of the
// same name.
const (
	Text    Kind = iota
	Switch       // true or false
	Number       // a whole number
	Path         // of a file; relative to the folder of the context's file
	Paths        // a list of those
	Headers      // names with values, or with references to them
)

// A Key is a setting that a context may have. All but headers and production have
// the name and the meaning of a flag.
type Key struct {
	Name string
	Kind Kind
	// Asks reports whether a project file that has this setting needs trust: it names a
	// program or a secret, sends secrets where they would not go, or repeats calls.
	Asks bool
	// Steers reports whether a project file that has this setting for a target of the user's
	// needs trust: the setting changes which server answers, what is sent to it, or what its
	// responses mean.
	Steers bool
	Help   string
}

// keys are all settings, in the order in which people see them.
var keys = []Key{
	{Name: "addr", Help: "the target"},
	{Name: "plaintext", Kind: Switch, Steers: true, Help: "no TLS"},
	{Name: "tls", Kind: Switch, Steers: true, Help: "TLS"},
	{Name: "insecure", Kind: Switch, Asks: true, Steers: true, Help: "TLS without verifying the server's certificate"},
	{Name: "cacert", Kind: Path, Steers: true, Help: "file of PEM certificates to trust instead of the system's"},
	{Name: "cert", Kind: Path, Asks: true, Help: "file of the client certificate"},
	{Name: "key", Kind: Path, Asks: true, Help: "file of the client certificate's key"},
	{Name: "servername", Steers: true, Help: "the name that the server's certificate must have"},
	{Name: "authority", Steers: true, Help: "the name to claim as :authority"},
	{Name: "headers", Kind: Headers, Steers: true, Help: "request metadata: text, or {env: NAME}, or {file: PATH}; secrets only as those"},
	{Name: "bearer-env", Asks: true, Help: "environment variable with a token"},
	{Name: "bearer-file", Kind: Path, Asks: true, Help: "file with a token"},
	{Name: "basic", Help: "user for authorization: Basic"},
	{Name: "password-env", Asks: true, Help: "environment variable with the password"},
	{Name: "password-file", Kind: Path, Asks: true, Help: "file with the password"},
	{Name: "netrc", Kind: Switch, Asks: true, Help: "user and password from the user's netrc file"},
	{Name: "auth-command", Asks: true, Help: "program that prints a token"},
	{Name: "plaintext-credentials", Kind: Switch, Asks: true, Help: "send credentials to another machine even without TLS"},
	{Name: "proto", Kind: Paths, Steers: true, Help: ".proto files with the schema"},
	{Name: "import-path", Kind: Paths, Steers: true, Help: "folders of .proto files and their imports"},
	{Name: "protoset", Kind: Paths, Steers: true, Help: "descriptor sets with the schema"},
	{Name: "use-reflection", Kind: Switch, Steers: true, Help: "ask the server for its schema"},
	{Name: "protocol", Steers: true, Help: "protocol of calls"},
	{Name: "http", Steers: true, Help: "version of HTTP"},
	{Name: "codec", Steers: true, Help: "encoding of messages on the wire"},
	{Name: "compress", Steers: true, Help: "compression of requests"},
	{Name: "lb", Steers: true, Help: "how calls are spread over the addresses of a name"},
	{Name: "service-config", Kind: Path, Asks: true, Help: "file with a gRPC service config"},
	{Name: "user-agent", Help: "the text to claim as user-agent"},
	{Name: "connect-timeout", Help: "limit for connecting"},
	{Name: "keepalive-time", Help: "time between questions whether a silent server lives"},
	{Name: "wait", Steers: true, Help: "how long to wait until the server is up"},
	{Name: "retry", Kind: Number, Asks: true, Help: "how often a call without an answer is tried again"},
	{Name: "timeout", Help: "deadline of calls"},
	{Name: "max-recv-size", Asks: true, Help: "greatest message to receive"},
	{Name: "output", Help: "format of the answers"},
	{Name: "production", Kind: Switch, Help: "the shell warns in its prompt"},
}

// Keys returns all settings that a context may have, in the order for people.
func Keys() []Key { return slices.Clone(keys) }

// FindKey returns the key of a name.
func FindKey(name string) (Key, bool) {
	i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return keys[i], true
}

// plain reports whether the value of a key is written as it is, without quotes.
func (k Kind) plain(value string) bool {
	switch k {
	case Switch:
		return value == "true" || value == "false"
	case Number:
		_, err := strconv.ParseUint(value, 10, 31)
		return err == nil
	}
	return false
}
