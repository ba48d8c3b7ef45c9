package formatters

import (
	"errors"
	"os"
	"runtime"
	"syscall"
	"testing"
)

func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /dev/full")
	}
	file, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, f := range Formats() {
		p, err := New(f, file, Options{})
		if err != nil {
			t.Fatal(err)
		}
		err = p.Event(response(message(t, dish(t), `name: "x"`), 0))
		if flushed := p.Flush(); !errors.Is(flushed, syscall.ENOSPC) {
			t.Errorf("%s: Event: %v, Flush: %v, want %v", f, err, flushed, syscall.ENOSPC)
		}
	}
}
