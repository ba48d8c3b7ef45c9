//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

// Each kind of secret, in a call whose answer does not contain it: it is in nothing that
// rpcctl writes, whatever it is asked to print.
func TestSecretsAreNeverWritten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan testserver.Call, 10_000)
	server := testserver.New(testserver.Options{OnCall: func(c testserver.Call) { seen <- c }})
	go server.Serve(l)
	t.Cleanup(server.Close)

	const secret = "s3cr3t-0f-th3-t3st"
	home := t.TempDir()
	for name, text := range map[string]string{
		"token":       secret + "\n",
		"each.ndjson": "{}\n{\"nofield\":1}\n",
		"headers":     "x-plain-name: " + secret + "\n",
		".netrc":      "machine 127.0.0.1 login me password " + secret + "\n",
		"shape.proto": shape,
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	given := snapshot(t, home)
	env := []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "etc"), "XDG_STATE_HOME=" + filepath.Join(home, "state"),
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"), "PATH=" + os.Getenv("PATH"), "TESTBIN=" + os.Args[0], "SECRET=" + secret, "GORACE=" + os.Getenv("GORACE"),
	}
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := exec.CommandContext(ctx, "rpcctl", args...)
		c.Dir, c.Env = home, env
		if name, _, is := strings.Cut(args[0], "="); is && name == "HTTPS_PROXY" {
			c.Env = append(slices.Clone(env), args[0])
			c.Args = slices.Delete(c.Args, 1, 2)
		}
		out, err := c.CombinedOutput()
		return string(out), err
	}
	for name, settings := range map[string][]string{
		"kept":    {"bearer-env=SECRET", "headers.x-kept.env=SECRET", "headers.x-file.file=token"},
		"program": {"auth-command=cat token"},
		"basic":   {"basic=me", "password-file=token"},
	} {
		if out, err := run(append([]string{"context", "set", name, "addr=" + l.Addr().String()}, settings...)...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	named := func(names ...string) (flags []string) {
		for _, n := range names {
			flags = append(flags, "-H", n+": "+secret)
		}
		return flags
	}
	kinds := map[string][]string{
		"bearer-file":  {"--bearer-file", "token"},
		"bearer-env":   {"--bearer-env", "SECRET"},
		"basic":        {"--basic", "me", "--password-env", "SECRET"},
		"basic file":   {"--basic", "me", "--password-file", "token"},
		"netrc":        {"--netrc"},
		"auth-command": {"--auth-command", "cat token"},
		"header file":  {"-H", "@headers"},
		"expanded":     {"-H", "x-plain-name: ${SECRET}", "--expand-headers"},
		"for one":      {"--rpc-header", "cookie: a=" + secret, "--reflect-header", "x-api-key: " + secret},
		"authorized":   append([]string{"--plaintext"}, named("authorization", "proxy-authorization", "cookie")...),
		"named so": append(named("x-api-key", "x-apikey", "my-token", "the-secret", "PASSWORD"),
			"-H", "my-token-bin: "+base64.StdEncoding.EncodeToString([]byte(secret))),
		"forty names":         named(fortyNames...),
		"by their values":     {"-H", "x-plain: Bearer " + secret, "-H", "x-other: basic " + secret, "-H", "x-third: eyJ" + secret},
		"context":             {"--context", "kept"},
		"context, by program": {"--context", "program"},
		"context, by file":    {"--context", "basic"},
	}
	ways := [][]string{
		{"call", "SayHello", "-vv"},
		{"call", "SayHello", "-o", "events", "-vv"},
		{"call", "SayHello", "-o", "events", "--output-file", "events.json"},
		{"call", "SayHello", "--dry-run", "-v"},
		{"call", "SayHello", "--dry-run", "-o", "events"},
		{"call", "SayHello", "--protocol", "connect", "-vv"},
		{"call", "SayHello", "--protocol", "grpc-web", "-vv", "-o", "events"},
		{"call", "Lab.Secret", "-vv"}, // refuses all of them
		{"call", "Lab.Secret", "--format-error", "-vv"},
		{"call", "Lab.Flaky", "--retry", "1", "-vv"},
		{"call", "SayHello", "--each", "-d", "@each.ndjson", "--keep-going", "--failures", "failed.ndjson", "-vv"},
		{"call", "SayHello", "--repeat", "2", "--with-request", "-o", "events"},
		{"call", "NoSuch", "-vv"},
		{"call", "SayHello", "nofield=1", "-vv"},
		// Whatever was sent comes back in headers, trailers, and the error of a status.
		append([]string{"call", "Lab.Metadata", "--proto", "shape.proto", "-d", echo, "-vv", "-o", "events"}, silence...),
		append([]string{"call", "Lab.Metadata", "--proto", "shape.proto", "-d", echo, "-vv", "-o", "events", "--protocol", "connect"}, silence...),
		append([]string{"call", "Lab.Metadata", "--proto", "shape.proto", "-d", echo, "-o", "events", "--repeat", "2"}, silence...),
		{"list", "-vv"},
		{"describe", "Shop", "-vv"},
		{"export", "--proto-out-dir", "exported", "-vv"},
		{"health", "-vv"},
		{"diagnose", "-o", "json", "-vv"},
		{"diagnose", "-vv"},
		{"context", "show", "-o", "json"},
		{"context", "show"},
		{"context", "list"},
		{"shell", "-c", "call SayHello -vv\ncall SayHello -o events\nheader\nvars\nhistory\nset"},
		{"convert", "rpcctl.demo.v1.HelloRequest", "{}", "-vv"},
		{"cache", "show", "-vv"},
		{"version", "-vv"},
		{"call", "SayHello", "--until", ".message == \"\"", "--every", "0.05s", "--for", "0.1s", "-v"},
		{"call", "Bake", "cake=nut", "--await", "--timeout", "5", "-v"},
		{"list", "-o", "json", "-v"},
		{"list", "-o", "table", "-v"},
		{"describe", "SayHello", "-o", "json", "-v"},
		{"describe", "--skeleton", "SayHello", "-v"},
	}
	var crossed [][]string // formats crossed with all flags that show more; each kind has every third
	for _, format := range []string{"json", "ndjson", "yaml", "text", "table", "raw", "events"} {
		for _, more := range [][]string{{"-v"}, {"-vv"}, {"--dry-run", "-vv"}, {"--repeat", "2", "-v"}} {
			crossed = append(crossed, append([]string{"call", "SayHello", "-o", format}, more...))
		}
	}
	// All at once: the files are searched when all have ended.
	t.Run("all", func(t *testing.T) {
		for turn, kind := range slices.Sorted(maps.Keys(kinds)) {
			flags := kinds[kind]
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				ways := slices.Clone(ways)
				for i, way := range crossed {
					if (i+turn)%3 == 0 {
						ways = append(ways, way)
					}
				}
				if !strings.HasPrefix(kind, "context") {
					flags = append([]string{"-a", l.Addr().String()}, flags...)
				}
				for _, way := range ways {
					out, err := run(append(slices.Clone(flags), way...)...)
					if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == 2 && !slices.Contains(way, "NoSuch") && !slices.Contains(way, "--each") && !slices.Contains(way, "nofield=1") {
						t.Errorf("%q: the command line is wrong, and shows nothing: %s", way, out)
					}
					search(t, fmt.Sprint(way), out, secret)
					if strings.Contains(out, "unknown flag") {
						t.Errorf("%q: %s", way, out)
					}
				}
				// The flags stand before the word that is completed.
				out, _ := run(append(append([]string{"__complete"}, flags...), "call", "Say")...)
				search(t, "completion", out, secret)
				// Where the server cannot be reached, or must not get it.
				for _, target := range []string{"127.0.0.1:1", "http://192.0.2.1:1"} {
					out, _ := run(append([]string{"-a", target, "call", "SayHello", "-vv", "-o", "events", "--connect-timeout", "0.2"}, flags[min(len(flags), 2):]...)...)
					search(t, target, out, secret)
				}
			})
		}
	})
	// What is in a URL goes to a proxy, or to whoever has a descriptor set.
	for _, args := range [][]string{
		{"-a", "http://inside.example:1", "call", "SayHello", "-vv", "-o", "events"},
		{"-a", "https://inside.example", "list", "-vv"},
		{"diagnose", "http://inside.example:1", "-o", "json"},
		{"diagnose", "http://inside.example:1", "-vv"},
		{"--protoset", "https://me:" + secret + "@127.0.0.1:1/x?token=" + secret, "list", "-vv"},
		{"--protoset", "http://me:" + secret + "@127.0.0.1:1/x", "list", "-vv"},
		{"-a", "http://me:" + secret + "@127.0.0.1:1", "list", "-vv"},
	} {
		for _, proxy := range []string{"http://me:" + secret + "@127.0.0.1:1", "socks9://me:" + secret + "@127.0.0.1:1", "http://me:" + secret + "@[:1"} {
			out, _ := run(append([]string{"HTTPS_PROXY=" + proxy}, args...)...)
			search(t, fmt.Sprint(args), out, secret)
		}
	}
	written := snapshot(t, home)
	for name, text := range written {
		if _, ours := given[name]; !ours {
			search(t, name, text, secret)
		}
	}
	for _, name := range []string{"events.json", "failed.ndjson", "etc/rpcctl/config.yaml", "exported/rpcctl/demo/v1/shop.proto"} {
		if written[filepath.Join(home, name)] == "" {
			t.Errorf("%s was not written", name)
		}
	}
	// The secrets were sent: the search had something to find.
	sent := 0
	for len(seen) > 0 {
		for _, values := range (<-seen).Metadata {
			for _, v := range values {
				if strings.Contains(v, secret) || strings.Contains(v, "Basic ") {
					sent++
				}
			}
		}
	}
	if sent < 3*len(kinds) {
		t.Errorf("only %d secrets were sent", sent)
	}
}

// fortyNames are names of headers that say that they are secret.
var fortyNames = []string{
	"authorization", "proxy-authorization", "cookie", "set-cookie", "x-auth", "x-auth-token", "x-authorization", "x-amz-security-token",
	"x-api-key", "api-key", "apikey", "x-apikey", "x-private-key", "x-access-key", "x-secret-key", "x-signing-key", "x-encryption-key",
	"x-credential", "x-credentials", "x-client-secret", "client_secret", "x-secret", "x-password", "password", "passwd", "x-passphrase",
	"x-token", "token", "id-token", "refresh_token", "x-csrf-token", "x-goog-iam-authorization-token", "x-session", "x-session-id",
	"session", "x-signature", "x-hub-signature", "x-jwt-assertion", "bearer", "x-vault-token",
}

// shape is the demo's own service with messages of which parts are declared not to be
// printed: a request, an answer, and what is below them.
const shape = `syntax = "proto3";
package rpcctl.demo.v1;
message MetadataRequest { repeated string headers = 1; repeated string trailers = 2; }
message MetadataReply { repeated MetadataEntry entries = 1 [debug_redact = true]; }
message MetadataEntry { string name = 1; string text = 2; bytes binary = 3; }
message SayHelloRequest { string name = 1 [debug_redact = true]; Inner inner = 90; repeated Inner list = 91; map<string, string> labels = 92; Secret whole = 93 [debug_redact = true]; }
message Inner { string password = 1; string note = 2 [debug_redact = true]; }
message Secret { string plain = 1; Inner inner = 2; }
message SayHelloReply { string message = 1 [debug_redact = true]; }
service Lab { rpc Metadata(MetadataRequest) returns (MetadataReply); }
service Greeter { rpc SayHello(SayHelloRequest) returns (SayHelloReply); }
`

// echo asks the demo to send metadata back, and silence allows it to be missing: for a header
// that the call does not have, nothing comes.
var (
	echo    = `{"headers":["` + strings.Join(append(fortyNames, "x-plain", "x-other", "x-third", "x-plain-name", "x-kept", "x-file"), `","`) + `"],"trailers":["authorization","x-plain","x-plain-name"]}`
	silence = []string{"--use-reflection=false"}
)

// Fields that a schema declares secret, or that have a secret name, are in nothing that shows
// a request, and declared ones in no events, with everything below them.
func TestSecretFieldsAreNeverShown(t *testing.T) {
	_, addr := demoServer(t)
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "shape.proto"), []byte(shape), 0o600); err != nil {
		t.Fatal(err)
	}
	const secret = "s3cr3t-0f-th3-f13lds"
	request := strings.ReplaceAll(`{"name":"S","inner":{"password":"S","note":"S"},"list":[{"note":"S"},{"password":"S"}],"labels":{"token":"S","open":"kept"},"whole":{"plain":"S","inner":{"note":"S"}}}`, `"S"`, `"`+secret+`"`)
	call := []string{"-a", addr, "--proto", "shape.proto", "--use-reflection=false", "call", "SayHello", "-d", request}
	var ways [][]string
	for _, format := range []string{"json", "ndjson", "yaml", "text", "table", "raw", "events"} {
		ways = append(ways, []string{"--dry-run", "-o", format}, []string{"--dry-run", "-vv", "-o", format})
	}
	ways = append(ways, []string{"-o", "events"}, []string{"-o", "events", "-vv"}, []string{"-o", "events", "--repeat", "2"},
		[]string{"-o", "events", "--output-file", "events.json"}, []string{"-o", "events", "--protocol", "connect", "-v"})
	env := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "XDG_STATE_HOME="+filepath.Join(home, "state"))
	for _, way := range ways {
		c := exec.CommandContext(t.Context(), "rpcctl", append(slices.Clone(call), way...)...)
		c.Dir, c.Env = home, env
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v: %s", way, err, out)
		}
		search(t, fmt.Sprint(way), string(out), secret)
		if slices.Contains(way, "ndjson") && !strings.Contains(string(out), `"open":"kept"`) || slices.Contains(way, "--dry-run") && !strings.Contains(string(out), "inner.password") {
			t.Errorf("%q: %s", way, out)
		}
		if slices.Contains(way, "events") && !slices.Contains(way, "--dry-run") && !slices.Contains(way, "--output-file") && !strings.Contains(string(out), `"redacted":["message"]`) {
			t.Errorf("%q: %s", way, out)
		}
	}
	for name, text := range snapshot(t, home) {
		search(t, name, text, secret)
	}
}

// snapshot reads all files below a folder.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// search looks for a secret as it is and as it is encoded.
func search(t *testing.T, where, text, secret string) {
	t.Helper()
	basic := base64.StdEncoding.EncodeToString([]byte("me:" + secret))
	for _, form := range []string{
		secret, base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), basic, strings.TrimRight(basic, "="),
	} {
		if i := bytes.Index([]byte(text), []byte(form)); i >= 0 {
			t.Errorf("%s: the secret is written: …%s…", where, text[max(0, i-80):min(len(text), i+len(form)+20)])
		}
	}
}

// A secret that a server sends back in the message of a status is masked wherever that is
// printed, and kept.
func TestSecretsInAStatusAreMasked(t *testing.T) {
	_, addr := demoServer(t)
	const secret = "s3cr3t-1n-4-st4tus"
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "requests"), []byte(`{"message":"the token `+secret+` is wrong"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	call := []string{"-a", addr, "--no-cache", "--bearer-env", "SECRET"}
	fail := []string{"call", "Lab.Fail", "-d", "@requests"}
	for name, args := range map[string][]string{
		"for people":       append(fail, "-vv"),
		"events":           append(fail, "-o", "events"),
		"over Connect":     append(fail, "-o", "events", "--protocol", "connect", "-v"),
		"for programs":     append(fail, "--format-error"),
		"as text":          append(fail, "--format", "text", "--format-error"),
		"a list":           append(fail, "--each", "--keep-going", "--failures", "failed", "-o", "ndjson"),
		"a list of events": append(fail, "--repeat", "2", "--keep-going", "-o", "ndjson"),
		"a shell":          {"shell", "--keep-going", "-c", "call Lab.Fail -d @requests\n$_:status\n$_:trailer"},
	} {
		c := exec.CommandContext(t.Context(), "rpcctl", append(slices.Clone(call), args...)...)
		c.Dir, c.Env = home, append(os.Environ(), "SECRET="+secret)
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "•••") {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		search(t, name, string(out), secret)
	}
	status, err := os.ReadFile(filepath.Join(home, "failed.status"))
	if err != nil || !strings.Contains(string(status), "the token ••• is wrong") {
		t.Errorf("%v: %s", err, status)
	}
	search(t, "failed.status", string(status), secret)
}
