package invoke

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTarget(t *testing.T) {
	for _, tt := range []struct {
		in    string
		want  Target
		local bool
	}{
		{"localhost:50051", Target{Network: "tcp", Address: "localhost:50051"}, true},
		{":50051", Target{Network: "tcp", Address: "localhost:50051"}, true},
		{"127.0.0.2:1", Target{Network: "tcp", Address: "127.0.0.2:1"}, true},
		{"[::1]:1", Target{Network: "tcp", Address: "[::1]:1"}, true},
		{"[::ffff:127.0.0.1]:1", Target{Network: "tcp", Address: "[::ffff:127.0.0.1]:1"}, true},
		{"api.example.com:443", Target{Network: "tcp", Address: "api.example.com:443"}, false},
		{"LOCALHOST.:443", Target{Network: "tcp", Address: "LOCALHOST.:443"}, true},
		{"localhost.example.com:443", Target{Network: "tcp", Address: "localhost.example.com:443"}, false},
		{"http://h", Target{Network: "tcp", Address: "h:80", Security: SecurityPlaintext}, false},
		{"http://127.0.0.1:8080", Target{Network: "tcp", Address: "127.0.0.1:8080", Security: SecurityPlaintext}, true},
		{"https://h/api/v1/", Target{Network: "tcp", Address: "h:443", Security: SecurityTLS, Prefix: "/api/v1"}, false},
		{"https://[::1]", Target{Network: "tcp", Address: "[::1]:443", Security: SecurityTLS}, true},
		{"unix:///run/s.sock", Target{Network: "unix", Address: "/run/s.sock", Security: SecurityPlaintext}, true},
		{"unix:s.sock", Target{Network: "unix", Address: "s.sock", Security: SecurityPlaintext}, true},
		{"unix-abstract:name", Target{Network: "unix", Address: "@name", Security: SecurityPlaintext}, true},
		{"dns:///h:1", Target{Network: NetworkResolver, Address: "dns:///h:1"}, false},
		{"demo:", Target{Network: NetworkDemo, Address: "demo", Security: SecurityPlaintext}, true},
	} {
		t.Run(tt.in, func(t *testing.T) {
			got, err := ParseTarget(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.Local() != tt.local {
				t.Errorf("local: %v, want %v", got.Local(), tt.local)
			}
		})
	}
}

func TestParseTargetErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "empty target",
		"localhost":            `target "localhost": no port`,
		"localhost:":           `target "localhost:": no port`,
		"localhost:0":          `target "localhost:0": port "0" is not a number from 1 to 65535`,
		"localhost:99999":      `target "localhost:99999": port "99999" is not a number from 1 to 65535`,
		"localhost:http":       `target "localhost:http": port "http" is not a number from 1 to 65535`,
		"::1:50051":            `target "::1:50051": too many colons in address`,
		"h:1/path":             `target "h:1/path": port "1/path" is not a number from 1 to 65535`,
		"h/api:1":              `target "h/api:1": a path needs http:// or https:// before the host`,
		"a b:1":                `target "a b:1": white space or a control character`,
		"h\x1b[31m:1":          `target "h\x1b[31m:1": white space or a control character`,
		"http://":              `target "http://": no host`,
		"http://h:0":           `target "http://h:0": port "0" is not a number from 1 to 65535`,
		"http://h?x=1":         `target "http://h?•••": a query or fragment has no meaning here`,
		"h?token=pa55:1":       `target "h?•••": a query or fragment has no meaning here`,
		"http://h#token=pa55":  `target "http://h#•••": a query or fragment has no meaning here`,
		"h:1#token=pa55":       `target "h:1#•••": port "1#•••" is not a number from 1 to 65535`,
		"h:1/?token=pa55":      `target "h:1/?•••": port "1/?•••" is not a number from 1 to 65535`,
		"http://u:pa55@h:1":    `target "http://u:•••@h:1": a user or password in a target is not used; give a header`,
		"unix:":                `target "unix:": no path of a socket`,
		"unix-abstract:":       `target "unix-abstract:": no path of a socket`,
		"http://u:pa55@h:port": `target with a user or password: invalid port ":port" after host`,
	} {
		_, err := ParseTarget(in)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", in, err, want)
		}
	}
	if _, err := ParseTarget("h"); !errors.Is(err, ErrNoPort) {
		t.Errorf("%v is not ErrNoPort", err)
	}
}

// A target is written so that it is read the same.
func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"localhost:1", "https://h/x", "unix:a", "unix-abstract:a", "demo:", "dns:///h:1", "[::1]:1", "http://u:p@h", "h:1/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := ParseTarget(s)
		if err != nil {
			return
		}
		again, err := ParseTarget(first.String())
		if err != nil || again != first {
			t.Errorf("%q is %+v, written %q, which is %+v, %v", s, first, first.String(), again, err)
		}
	})
}
