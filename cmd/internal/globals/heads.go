package globals

// A Head is flags that help lists together.
type Head struct {
	Title string
	Flags []string
}

// Heads returns the flags of every command under the heads of the help. The slices must not be changed.
func Heads() []Head { return heads[:] }

var heads = [...]Head{
	{"Target", []string{"addr", "unix", "context", "connect-timeout", "wait", "retry", "lb", "service-config", "keepalive-time"}},
	{"TLS", []string{"plaintext", "tls", "insecure", "cacert", "cert", "key", "servername"}},
	{"Credentials and headers", []string{
		"bearer-env", "bearer-file", "basic", "password-env", "password-file", "netrc", "auth-command", "plaintext-credentials",
		"header", "rpc-header", "reflect-header", "expand-headers", "authority", "user-agent",
	}},
	{"Schema", []string{"proto", "import-path", "protoset", "use-reflection", "no-cache"}},
	{"Protocol", []string{"protocol", "http", "codec", "compress", "get", "max-recv-size"}},
	{"Output", []string{"verbose", "color"}},
}
