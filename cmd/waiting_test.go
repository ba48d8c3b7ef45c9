//go:build linux

package cmd_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// waitEnds is how soon a command that waits for a file ends when it is told to; the limits of
// files are longer.
const waitEnds = 8 * time.Second

// Command lines that read a file before anything is sent, besides those in fileFlags.
var waitingFlags = []bounded{
	{name: "data", args: "-a demo: call SayHello -d @FILE"},
	{name: "yaml", args: "-a demo: call SayHello -d @FILE --in yaml"},
	{name: "dry run", args: "-a demo: call SayHello -d @FILE --dry-run"},
	{name: "dry run of a stream", args: "-a demo: call Shop.Chat -d @FILE --dry-run"},
	{name: "a file called stdin", args: "-a demo: call SayHello -d @stdin", place: "stdin"},
	{name: "repeat", args: "-a demo: call SayHello -d @FILE --repeat 2"},
	{name: "a word, repeated", args: "-a demo: call SayHello name=@FILE --repeat 2"},
	{name: "convert", args: "-a demo: convert HelloRequest @FILE"},
	{name: "convert a word", args: "-a demo: convert HelloRequest name=@FILE"},
	{name: "an import", args: "list --proto imports.proto", place: "other.proto"},
	{name: "a tree", args: "list --proto protos", place: "protos/other.proto"},
	{name: "describe", args: "describe p.M --protoset FILE"},
	{name: "export", args: "export --protoset FILE --protoset-out out"},
	{name: "health", args: "-a 127.0.0.1:1 health --bearer-file FILE"},
	{name: "diagnose", args: "-a https://127.0.0.1:1 diagnose --cacert FILE"},
	{name: "connect", args: unreached + "--protocol connect --cacert FILE"},
	{name: "a context's header", args: unreached + "--context c", env: "XDG_CONFIG_HOME=."},
}

// unendingFlags are command lines that no --timeout bounds.
var unendingFlags = []bounded{
	{name: "a script", args: "shell -f FILE"},
	{name: "source", args: "shell -c 'source_FILE'"},
}

// A waitingCase is a way in which a file keeps silent, and how the command is told to end.
type waitingCase struct {
	silent bool           // the pipe has a writer, which says nothing
	signal syscall.Signal // 0: --timeout
}

// Whatever waits for a file ends with --timeout and with a signal, and names the file.
func TestNothingWaitsLonger(t *testing.T) {
	all := append([]bounded{}, waitingFlags...)
	for _, b := range fileFlags {
		if b.place == "" && !b.live {
			all = append(all, b)
		}
	}
	schema := demoSchema(t)
	for name, c := range map[string]waitingCase{
		"timeout without a writer":     {},
		"timeout of a silent writer":   {silent: true},
		"interrupt without a writer":   {signal: syscall.SIGINT},
		"interrupt of a silent writer": {silent: true, signal: syscall.SIGINT},
		"end of a silent writer":       {silent: true, signal: syscall.SIGTERM},
		"hang up without a writer":     {signal: syscall.SIGHUP},
	} {
		t.Run(name, func(t *testing.T) {
			cases := all
			if c.signal != 0 {
				cases = append(cases[:len(cases):len(cases)], unendingFlags...)
			}
			atOnce := make(chan struct{}, 4)
			var running sync.WaitGroup
			for _, b := range cases {
				running.Go(func() {
					atOnce <- struct{}{}
					defer func() { <-atOnce }()
					c.check(t, b, schema)
				})
			}
			running.Wait()
		})
	}
}

// demoSchema is a file with the schema of the demo server: with it a command asks no server
// before it reads a file, which might take as long as the limit.
func demoSchema(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "demo.binpb")
	if out, err := command(t, "rpcctl", "-a", "demo:", "export", "--protoset-out", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// check runs one command line.
func (c waitingCase) check(t *testing.T, b bounded, schema string) {
	dir := t.TempDir()
	file := filepath.Join(dir, "quiet.pipe")
	if b.place != "" {
		file = filepath.Join(dir, b.place)
	}
	must(t, os.MkdirAll(filepath.Join(dir, "protos"), 0o700))
	must(t, os.MkdirAll(filepath.Join(dir, "rpcctl"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "imports.proto"), []byte("syntax = \"proto3\";\nimport \"other.proto\";\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "rpcctl", "config.yaml"), fmt.Appendf(nil, "contexts:\n  c:\n    headers:\n      x-key: {file: %s}\n", file), 0o600))
	fifo(t, file)
	args := strings.Fields(strings.Replace(strings.ReplaceAll(b.args, "FILE", file), "-a demo: ", "-a demo: --protoset "+schema+" ", 1))
	for i, a := range args {
		if strings.HasPrefix(a, "'") {
			args[i] = strings.Replace(strings.Trim(a, "'"), "_", " ", 1)
		}
	}
	if c.signal == 0 {
		args = append(args, "--timeout", "1s")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := exec.CommandContext(ctx, "rpcctl", args...)
	var stderr strings.Builder
	p.Dir, p.Stderr = dir, &stderr
	env := strings.ReplaceAll(strings.ReplaceAll(b.env, "FILE", file), "=.", "="+dir)
	p.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir+"/none", "XDG_CACHE_HOME="+dir+"/cache", env)
	var writer <-chan *os.File
	if c.silent {
		writer = openedToWrite(t, file)
	}
	must(t, p.Start())
	begun := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	if c.signal != 0 {
		untilItWaits(t, b.name, p.Process.Pid, file, writer)
		must(t, p.Process.Signal(c.signal))
		begun = time.Now()
	}
	var exit *exec.ExitError
	if err := <-ended; err != nil && !errors.As(err, &exit) {
		t.Error(b.name, err)
	}
	code, says := 130, "interrupted while reading "
	if c.signal == 0 {
		code, says = 68, "DEADLINE_EXCEEDED (4): "
	}
	took, text := time.Since(begun), stderr.String()
	if p.ProcessState.ExitCode() != code || took > waitEnds || !strings.Contains(text, says) || !strings.Contains(text, filepath.Base(file)) {
		t.Errorf("%s: exit code %d after %s: %s", b.name, p.ProcessState.ExitCode(), took, text)
	}
}

// Standard input may take longer than the limit of what is read before a call, and so may what
// comes after it.
func TestStandardInputTakesItsTime(t *testing.T) {
	dir, schema := t.TempDir(), demoSchema(t)
	must(t, os.WriteFile(filepath.Join(dir, "more.json"), []byte(`{"text":"a"}{"text":"b"}`), 0o600))
	for args, want := range map[string]string{
		"call SayHello -":                              "late",
		"call SayHello --dry-run -":                    "late",
		"call Shop.Chat --dry-run -":                   "late",
		"call Shop.Chat --dry-run -d @- -d @more.json": "b",
		"call Shop.Chat --dry-run -d @more.json -d @-": "late",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			r, w, err := os.Pipe()
			must(t, err)
			defer r.Close()
			c := command(t, "rpcctl", append([]string{"-a", "demo:", "--protoset", schema, "--timeout", "1s"}, strings.Fields(args)...)...)
			var stderr strings.Builder
			c.Dir, c.Stdin, c.Stderr = dir, r, &stderr
			time.AfterFunc(1500*time.Millisecond, func() {
				field := "text"
				if strings.Contains(args, "SayHello") {
					field = "name"
				}
				fmt.Fprintf(w, `{%q:"late"}`, field)
				w.Close()
			})
			if out, err := c.Output(); err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%v: %s%s", err, out, stderr.String())
			}
		})
	}
}

// openedToWrite opens a pipe to write, and says nothing. The channel has the writer when somebody
// reads.
func openedToWrite(t *testing.T, path string) <-chan *os.File {
	writer, over := make(chan *os.File, 1), make(chan *os.File, 1)
	go func() {
		f, _ := os.OpenFile(path, os.O_WRONLY, 0)
		writer <- f
		over <- f
	}()
	t.Cleanup(func() {
		// If nobody opened it, the writer still waits.
		if f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
		if f := <-over; f != nil {
			f.Close()
		}
	})
	return writer
}

// untilItWaits blocks until a process has opened the pipe of a writer or, without one, waits
// for a writer.
func untilItWaits(t *testing.T, name string, pid int, pipe string, writer <-chan *os.File) {
	for begun := time.Now(); time.Since(begun) < patience; time.Sleep(5 * time.Millisecond) {
		if writer != nil {
			select {
			case <-writer:
				return
			default:
				continue
			}
		}
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/syscall", pid))
		for _, task := range tasks {
			if text, err := os.ReadFile(task); err == nil && opening(pid, string(text)) == filepath.Base(pipe) {
				return
			}
		}
	}
	t.Errorf("%s: it never opened the file", name)
}

// opening is the name of the file, without its folder, that a system call of a process opens; "":
// it is another call. The system shows the call as its number and its arguments.
func opening(pid int, call string) string {
	words := strings.Fields(call)
	if len(words) < 3 || words[0] != strconv.Itoa(syscall.SYS_OPENAT) {
		return ""
	}
	at, err := strconv.ParseInt(words[2], 0, 64)
	if err != nil {
		return ""
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return ""
	}
	defer memory.Close()
	path := make([]byte, 512)
	n, _ := memory.ReadAt(path, at) // less where the memory ends
	path, _, ended := bytes.Cut(path[:n], []byte{0})
	if !ended {
		return ""
	}
	return filepath.Base(string(path))
}

// In the shell a line that waits for a file blocks neither the lines after it nor the end of
// the shell.
func TestShellWaitsAlone(t *testing.T) {
	s := openShell(t)
	for _, pipe := range []string{"p0", "p1"} {
		fifo(t, filepath.Join(s.dir, pipe))
		s.send("SayHello --protoset " + pipe + " > out &\r")
		untilItWaits(t, pipe, s.cmd.Process.Pid, pipe, nil)
		begun := time.Now()
		s.waitPrompt()
		s.send("SayHello name=" + pipe + "\r")
		s.waitFor("Hello, " + pipe + "!")
		s.waitPrompt()
		if took := time.Since(begun); took > waitEnds {
			t.Errorf("%s: it took %s", pipe, took)
		}
	}
	s.send("exit\r")
	s.ends(0)
}

// In the shell Ctrl-C and --timeout end the reading of a silent pipe; then the shell goes on.
func TestShellWaitsNoLonger(t *testing.T) {
	for name, silent := range map[string]bool{"no writer": false, "a silent writer": true} {
		t.Run(name, func(t *testing.T) {
			s := openShell(t)
			for i, line := range []string{
				"SayHello --bearer-file FILE", "SayHello --basic u --password-file FILE", "SayHello -H @FILE", "SayHello --service-config FILE",
				"SayHello --cacert FILE", "SayHello --protoset FILE", "SayHello name=@FILE", "SayHello -d @FILE",
				"list --proto FILE", "list --protoset FILE", "Greeter.SayHello --targets @FILE", "source FILE",
			} {
				pipe := fmt.Sprintf("p%d", i)
				fifo(t, filepath.Join(s.dir, pipe))
				var writer <-chan *os.File
				if silent {
					writer = openedToWrite(t, filepath.Join(s.dir, pipe))
				}
				begun := time.Now()
				s.send(strings.ReplaceAll(line, "FILE", pipe) + "\r")
				untilItWaits(t, line, s.cmd.Process.Pid, pipe, writer)
				s.send(ctrl('c'))
				s.waitFor("interrupted while reading " + pipe)
				s.waitPrompt()
				if took := time.Since(begun); took > waitEnds {
					t.Errorf("%s: it took %s", line, took)
				}
				s.send(fmt.Sprintf("SayHello name=Again%d\r", i))
				s.waitFor(fmt.Sprintf("Hello, Again%d!", i))
				s.waitPrompt()
			}
			fifo(t, filepath.Join(s.dir, "last"))
			if silent {
				openedToWrite(t, filepath.Join(s.dir, "last"))
			}
			s.send("SayHello --bearer-file last --timeout 1s\r")
			s.waitFor("DEADLINE_EXCEEDED (4): --bearer-file: last")
			s.waitPrompt()
			s.send("SayHello name=End\r")
			s.waitFor("Hello, End!")
			s.waitPrompt()
			s.send("exit\r")
			s.ends(0)
		})
	}
}
