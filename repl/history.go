package repl

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/gofrs/flock"

	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/internal/outfile"
)

// Bounds of a history.
const (
	historyMax  = 10_000  // lines that are kept
	historyFull = 12_000  // lines in the file from which it is rewritten
	entryMax    = 1 << 20 // bytes of one stored entry; longer ones are kept in memory only
	fileMax     = 4 << 20 // bytes that are kept, the newest: in memory, and in the file
)

// An Entry is a line of a history as it is stored, one JSON object a line.
type Entry struct {
	Time   time.Time `json:"time"`
	Target string    `json:"target,omitempty"`
	Line   string    `json:"line"`
	Code   int       `json:"code"`
}

// A History is what was typed before, the newest last: in memory, and in a file that all
// shells of a user share. The zero value has no file. It is safe for concurrent use.
type History struct {
	mu    sync.Mutex
	lines []string
	bytes int // of lines
	path  string
	read  int64       // bytes of the file that are in lines
	file  os.FileInfo // which file that was
}

// Open reads a file of entries, which need not exist, and adds to it from now on. Lines that
// are no entry are skipped. The file is made readable by its owner alone.
func (h *History) Open(path string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the history: %w", err)
	}
	if err := boundfile.CheckPlain(path); err != nil {
		h.path = "" // nothing is written to it either
		return fmt.Errorf("opening the history: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("making the history private: %w", err)
	}
	return h.locked(func() error {
		n, err := h.sync()
		if err != nil || n < historyFull {
			return err
		}
		return h.shorten()
	})
}

// Len is the number of lines.
func (h *History) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lines)
}

// Line is a line by its index, 0 being the oldest; "" where there is none.
func (h *History) Line(i int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i < 0 || i >= len(h.lines) {
		return ""
	}
	return h.lines[i]
}

// Keep remembers a line in this process alone.
func (h *History) Keep(line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keep(line)
}

func (h *History) keep(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	h.bytes += len(line)
	extra := max(0, len(h.lines)-historyMax)
	over := h.bytes - fileMax
	for i := 0; over > 0 && i < len(h.lines)-1; i++ {
		over -= len(h.lines[i])
		extra = max(extra, i+1)
	}
	if extra > historyMax/10 || h.bytes > fileMax {
		for _, dropped := range h.lines[:extra] {
			h.bytes -= len(dropped)
		}
		h.lines = append([]string(nil), h.lines[extra:]...)
	}
}

// Add remembers a line, and stores it when there is a file. The line must have no secrets left
// in it.
func (h *History) Add(e Entry) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.path == "" {
		h.keep(e.Line)
		return nil
	}
	return h.locked(func() error {
		if _, err := h.sync(); err != nil {
			return err
		}
		same := len(h.lines) > 0 && h.lines[len(h.lines)-1] == e.Line
		h.keep(e.Line)
		if same {
			return nil
		}
		return h.append(e)
	})
}

// append writes an entry behind the last one. An entry that was cut off gets its line feed
// first.
func (h *History) append(e Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	if len(text) >= entryMax {
		return nil
	}
	if err := boundfile.CheckPlain(h.path); err != nil {
		return fmt.Errorf("opening the history: %w", err)
	}
	f, err := os.OpenFile(h.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opening the history: %w", err)
	}
	text = append(text, '\n')
	if end, serr := f.Seek(0, io.SeekEnd); serr == nil && end > 0 {
		var last [1]byte
		if _, rerr := f.ReadAt(last[:], end-1); rerr == nil && last[0] != '\n' {
			text = append([]byte{'\n'}, text...)
		}
	}
	_, err = f.Write(text)
	info, serr := f.Stat()
	if err = errors.Join(err, serr, f.Close()); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	h.read, h.file = info.Size(), info
	return nil
}

// sync reads what others have added to the file, and returns how many lines that was.
func (h *History) sync() (int, error) {
	f, err := boundfile.OpenPlain(h.path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the history: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the history: %w", err)
	}
	if h.file != nil && (!os.SameFile(h.file, info) || info.Size() < h.read) {
		h.read, h.lines, h.bytes = 0, nil, 0 // it was written anew
	}
	h.file = info
	if info.Size() == h.read {
		return 0, nil
	}
	from := max(h.read, info.Size()-fileMax)
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return 0, fmt.Errorf("reading the history: %w", err)
	}
	n := readEntries(io.LimitReader(f, info.Size()-from), func(e Entry) { h.keep(e.Line) })
	if from > h.read {
		n = historyFull // the file is longer than what is read of it
	}
	h.read = info.Size()
	return n, nil
}

// readEntries hands on the entries of a file, and returns how many lines it has. Lines that
// are no entry, or too long for one, are skipped.
func readEntries(r io.Reader, take func(Entry)) (n int) {
	in := bufio.NewReaderSize(r, 64<<10)
	var line []byte
	long := false
	for {
		piece, err := in.ReadSlice('\n')
		if long = long || len(line)+len(piece) > entryMax; !long {
			line = append(line, piece...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if long || len(line) > 0 {
			n++
		}
		if e, ok := parseEntry(line); ok && !long {
			take(e)
		}
		if line, long = line[:0], false; err != nil {
			return n
		}
	}
}

func parseEntry(text []byte) (Entry, bool) {
	var e Entry
	err := json.Unmarshal(bytes.TrimSpace(text), &e)
	return e, err == nil && e.Line != "" && utf8.ValidString(e.Line)
}

// shorten rewrites the file with its newest entries. A crash leaves the old one.
func (h *History) shorten() error {
	text, err := h.newest()
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	lines := bytes.SplitAfter(text, []byte{'\n'})
	lines = lines[max(0, len(lines)-historyMax):]
	if err := h.replace(bytes.Join(lines, nil)); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	if h.file, err = os.Stat(h.path); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	h.read = h.file.Size()
	return nil
}

// replace puts text in the place of the file. Somebody must hold the lock.
func (h *History) replace(text []byte) error {
	root, err := os.OpenRoot(filepath.Dir(h.path))
	if err != nil {
		return err
	}
	defer root.Close()
	name := filepath.Base(h.path)
	outfile.RemoveAsides(root, name)
	return outfile.Replace(root, name, text, outfile.Options{Mode: 0o600})
}

// newest are the newest bytes of the file.
func (h *History) newest() ([]byte, error) {
	f, err := boundfile.OpenPlain(h.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(max(0, size-fileMax), io.SeekStart)
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, fileMax))
	if size > fileMax { // the first line is cut
		_, text, _ = bytes.Cut(text, []byte{'\n'})
	}
	return text, err
}

// locked runs a function while no other shell touches the file. The lock is a file of its own,
// since the history may be replaced.
func (h *History) locked(fn func() error) error {
	if err := boundfile.CheckPlain(h.path + ".lock"); err != nil {
		return fmt.Errorf("locking the history: %w", err)
	}
	lock := flock.New(h.path+".lock", flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o600))
	err := lock.Lock()
	for errors.Is(err, syscall.EINTR) { // a signal ended the wait
		err = lock.Lock()
	}
	if err != nil {
		return fmt.Errorf("locking the history: %w", err)
	}
	defer lock.Close()
	return fn()
}

// touch reads what other shells have added. A history that cannot be read stays as it is.
func (h *History) touch() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.path == "" {
		return
	}
	if info, err := os.Stat(h.path); err == nil && info.Size() != h.read {
		_ = h.locked(func() error { _, err := h.sync(); return err })
	}
}

// find returns the newest line before an index for which ok holds, and -1 for none.
func (h *History) find(before int, ok func(string) bool) (int, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := min(before, len(h.lines)) - 1; i >= 0; i-- {
		if ok(h.lines[i]) {
			return i, h.lines[i]
		}
	}
	return -1, ""
}

// Find returns the newest line for which ok holds, and its index; -1 for none.
func (h *History) Find(ok func(string) bool) (int, string) { return h.find(h.Len(), ok) }

// after returns the rest of the newest line that begins with a text.
func (h *History) after(text string) string {
	_, line := h.find(h.Len(), func(l string) bool { return len(l) > len(text) && strings.HasPrefix(l, text) })
	return strings.TrimPrefix(line, text)
}
