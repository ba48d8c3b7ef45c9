//go:build unix

package cmd_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/testserver"
)

// Each kind of secret, in a call that does not send it back: none is in anything
// that rpcctl writes, whatever it is asked to tell.
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
		{"list", "-vv"},
		{"describe", "Shop", "-vv"},
		{"export", "--proto-out-dir", "exported", "-vv"},
		{"health", "-vv"},
		{"diagnose", "-o", "json", "-vv"},
		{"diagnose", "-vv"},
		{"context", "show", "-o", "json"},
		{"context", "show"},
		{"context", "list"},
		{"shell", "-c", "call SayHello -vv; call SayHello -o events"},
	}
	// All at once: the files are searched when all have ended.
	t.Run("all", func(t *testing.T) {
		for kind, flags := range kinds {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				if !strings.HasPrefix(kind, "context") {
					flags = append([]string{"-a", l.Addr().String()}, flags...)
				}
				for _, way := range ways {
					out, _ := run(append(slices.Clone(flags), way...)...)
					search(t, fmt.Sprint(way), out, secret)
					if strings.Contains(out, "unknown flag") {
						t.Errorf("%q: %s", way, out)
					}
				}
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
	// The secrets did go out: the search had something to find.
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
