package formatters

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
)

func tell(t *testing.T, level int, o Options, events ...*invoke.Event) string {
	t.Helper()
	var b strings.Builder
	v := Verbose(&b, level, o)
	for _, e := range events {
		if err := v.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestVerbose(t *testing.T) {
	mine := func(name string) bool { return name == "x-mine" }
	for name, level := range map[string]int{"verbose": 1, "verbose-2": 2} {
		t.Run(name, func(t *testing.T) {
			got := tell(t, level, Options{SecretHeaders: mine}, aCall(t)...)
			harmless(t, name, got)
			golden(t, name, got)
			if colored := uncolored(tell(t, level, Options{Color: true, SecretHeaders: mine}, aCall(t)...)); colored != got {
				t.Errorf("colours change the text: %s", colored)
			}
			for _, secret := range []string{"Bearer", "k1", "k2", "hidden"} {
				if strings.Contains(got, secret) {
					t.Errorf("%q is told", secret)
				}
			}
		})
	}
	if got := tell(t, 0, Options{}, aCall(t)...); got != "" {
		t.Errorf("level 0 tells %q", got)
	}
}

func TestVerboseOfCallsThatFail(t *testing.T) {
	opened := &invoke.Event{Kind: invoke.Opened, At: atTime(0)}
	refused := &invoke.Event{Kind: invoke.Finished, At: atTime(0), Status: &invoke.Status{Code: codes.Unavailable, Origin: invoke.OriginTransport}}
	denied := &invoke.Event{Kind: invoke.Finished, At: atTime(0), Status: &invoke.Status{Code: codes.PermissionDenied, Origin: invoke.OriginServer}}
	given := &invoke.Event{Kind: invoke.Finished, At: atTime(0), Status: &invoke.Status{Code: codes.Canceled, Origin: invoke.OriginClient}, Abandoned: errors.New("bad")}
	begin := "\nRequest metadata to send:\n(empty)\n\n"
	tests := []struct {
		name string
		end  *invoke.Event
		want string
	}{
		{"refused", refused, begin + "Sent 0 requests and received 0 responses (0 bytes out, 0 bytes in, 0.000 ms, UNAVAILABLE)\n"},
		{
			"denied", denied, begin + "\nResponse headers received:\n(empty)\n\nResponse trailers received:\n(empty)\n" +
				"Sent 0 requests and received 0 responses (0 bytes out, 0 bytes in, 0.000 ms, PERMISSION_DENIED)\n",
		},
		{
			"given up", given, begin + "\nResponse headers received:\n(empty)\n\nResponse trailers received:\n(empty)\n" +
				"Sent 0 requests and received 0 responses (0 bytes out, 0 bytes in, 0.000 ms)\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := tell(t, 1, Options{}, opened, test.end); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestVerboseWithoutStandardError(t *testing.T) {
	v := Verbose(&failing{err: errors.New("closed")}, 2, Options{})
	for _, e := range aCall(t) {
		if err := v.Event(e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLongMetadata(t *testing.T) {
	md := invoke.Metadata{"long": {strings.Repeat("x", 1<<20)}, "long-bin": {strings.Repeat("x", 1<<20)}}
	for i := range 10_000 {
		md.Add("many", fmt.Sprint("value ", i))
	}
	got := tell(t, 1, Options{}, &invoke.Event{Kind: invoke.HeadersReceived, At: atTime(0), Metadata: md})
	if len(got) > 2*maxBlock || strings.Count(got, "(cut: 1048576 bytes in all)") != 2 || !strings.Contains(got, " more; -o events shows all of it)") {
		t.Errorf("%d bytes are told: %.200q", len(got), got)
	}
}
