//go:build unix

package cmd_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// A hasty server answers OK after the first message, whatever follows.
type hasty struct{ demov1.UnimplementedLabServer }

func (hasty) Collect(s grpc.ClientStreamingServer[demov1.Everything, demov1.CollectReply]) error {
	if _, err := s.Recv(); err != nil {
		return err
	}
	return s.SendAndClose(&demov1.CollectReply{Count: 1})
}

func (hasty) EchoStream(s grpc.BidiStreamingServer[demov1.Everything, demov1.Everything]) error {
	m, err := s.Recv()
	if err != nil {
		return err
	}
	return s.Send(m)
}

// When a server does not wait for all of the input, that is reported as a failure: whoever
// sends a file and checks the exit code would take it for received.
func TestServerEndsBeforeTheFile(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	demov1.RegisterLabServer(server, hasty{})
	go server.Serve(l)
	t.Cleanup(server.Stop)
	dir := t.TempDir()
	many := filepath.Join(dir, "many.ndjson") // more than the windows of HTTP/2 hold
	if err := os.WriteFile(many, bytes.Repeat([]byte(`{"stringValue":"`+strings.Repeat("x", 10_000)+"\"}\n"), 3000), 0o600); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(dir, "one.ndjson")
	if err := os.WriteFile(one, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		pipe bool
		code int
	}{
		"client stream":       {[]string{"call", "Lab.Collect", "-d", "@" + many}, false, 1},
		"two-way stream":      {[]string{"call", "Lab.EchoStream", "-d", "@" + many}, false, 1},
		"standard input":      {[]string{"call", "Lab.Collect", "-"}, true, 1},
		"held":                {[]string{"call", "Lab.EchoStream", "--hold", "1m", "-d", "@" + many}, false, 1},
		"events":              {[]string{"call", "Lab.Collect", "-o", "events", "-d", "@" + many}, false, 1},
		"shell":               {[]string{"shell", "-c", "Lab.Collect @" + many}, false, 1},
		"all was sent":        {[]string{"call", "Lab.Collect", "-d", "@" + one}, false, 0},
		"all was sent, held":  {[]string{"call", "Lab.EchoStream", "--hold", "1m", "-d", "@" + one}, false, 0},
		"all was sent, shell": {[]string{"shell", "-c", "Lab.Collect @" + one}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := command(t, "rpcctl", append([]string{"-a", l.Addr().String(), "-I", "../testserver/proto", "--proto", "rpcctl/demo/v1/lab.proto"}, test.args...)...)
			var stderr bytes.Buffer
			c.Stderr = &stderr
			if test.pipe {
				f, err := os.Open(many)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				c.Stdin = struct{ *os.File }{f} // no file: what is copied into a pipe
			}
			err := c.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			said := strings.Contains(stderr.String(), "; the rest of the input was not sent\n") &&
				strings.Contains(stderr.String(), ": the server ended the call after ")
			if code := c.ProcessState.ExitCode(); code != test.code || said != (code == 1) || code == 0 && stderr.Len() > 0 {
				t.Errorf("exit code %d, stderr: %s", code, stderr.String())
			}
		})
	}
}
