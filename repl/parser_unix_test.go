//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package repl

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pulsed is a terminal that can be woken, and no more.
func pulsed(t *testing.T) *terminal {
	t.Helper()
	term := &terminal{}
	if err := unix.Pipe(term.pulse[:]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(term.pulse[0]); unix.Close(term.pulse[1]) })
	if err := unix.SetNonblock(term.pulse[1], true); err != nil { // a full pipe wakes as well
		t.Fatal(err)
	}
	return term
}

// An end that comes just as a prompt begins ends that prompt: the editor and the parser agree.
// A parser that has sent its end to an editor that knows of none would never read again.
func TestEditorEndsAsItBegins(t *testing.T) {
	term := pulsed(t)
	e := &Editor{terminalOwner: terminalOwner{term}, parser: newParser(term, func(any) {})}
	for i := range 100_000 {
		ended := make(chan bool)
		go func() {
			e.Abort()
			close(ended)
		}()
		e.begin()
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("Abort does not return")
		}
		if e.ending.Swap(nil) == nil || !e.parser.aborting || len(e.parser.chunks) == 0 {
			t.Fatalf("the %d. prompt does not end", i)
		}
	}
}

// A prompt may end without running the chunk that was sent: the reader must not wait for that,
// nor lose what was typed.
func TestParserAborts(t *testing.T) {
	term := pulsed(t)
	p := newParser(term, func(any) {})
	p.over = false
	p.events = []event{{text: "a"}}
	if chunk, err := p.Read(); err != nil || !bytes.Equal(chunk, chunkKeys) {
		t.Fatalf("%q %v", chunk, err)
	}
	read := make(chan []byte, 8)
	go func() {
		defer close(read)
		for {
			chunk, err := p.Read()
			if err != nil {
				return
			}
			read <- chunk
		}
	}()
	p.abort()
	for {
		select {
		case chunk, ok := <-read:
			if !ok { // it waits no more
				p.drop()
				p.over = false
				if chunk, err := p.Read(); err != nil || !bytes.Equal(chunk, chunkKeys) {
					t.Errorf("what was typed is lost: %q %v", chunk, err)
				}
				return
			}
			if !bytes.Equal(chunk, chunkAbort) {
				t.Errorf("it read %q", chunk)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it waits for ever")
		}
	}
}
