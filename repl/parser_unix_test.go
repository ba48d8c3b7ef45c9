//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package repl

import (
	"bytes"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A prompt that is ended while a chunk is on its way never runs it: the reader must not wait for
// that, nor keep it from what was typed.
func TestParserAborts(t *testing.T) {
	term := &terminal{}
	if err := unix.Pipe(term.pulse[:]); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(term.pulse[0])
	defer unix.Close(term.pulse[1])
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
