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
	"time"
	"unicode/utf8"
)

// Bounds of a history.
const (
	historyMax  = 10_000  // lines that are kept
	historyFull = 12_000  // lines in the file that make it be written anew
	entryMax    = 1 << 20 // bytes of one entry: longer ones in a file are none of ours
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
	path  string
	read  int64       // bytes of the file that are in lines
	file  os.FileInfo // which file that was
}

// Open reads a file of entries, which need not be there yet, and adds to it from now on. What
// is no entry is skipped. The file is made readable by its owner alone.
func (h *History) Open(path string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.path = path
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making the folder of the history: %w", err)
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
	if extra := len(h.lines) - historyMax; extra > historyMax/10 {
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

// append writes an entry behind the last one. One that was cut off, because its writer was,
// gets the line feed it lacks.
func (h *History) append(e Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the history: %w", err)
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

// sync takes in what others have added to the file, and returns how many lines it took.
func (h *History) sync() (int, error) {
	f, err := os.Open(h.path)
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
		h.read, h.lines = 0, nil // it was written anew
	}
	h.file = info
	if info.Size() == h.read {
		return 0, nil
	}
	if _, err := f.Seek(h.read, io.SeekStart); err != nil {
		return 0, fmt.Errorf("reading the history: %w", err)
	}
	n := 0
	lines := bufio.NewScanner(io.LimitReader(f, info.Size()-h.read))
	lines.Buffer(nil, entryMax)
	for lines.Scan() {
		n++
		if e, ok := parseEntry(lines.Bytes()); ok {
			h.keep(e.Line)
		}
	}
	h.read = info.Size()
	return n, nil // a line that is too long ends the reading, and is left behind
}

func parseEntry(text []byte) (Entry, bool) {
	var e Entry
	err := json.Unmarshal(bytes.TrimSpace(text), &e)
	return e, err == nil && e.Line != "" && utf8.ValidString(e.Line)
}

// shorten writes the file anew with its newest entries. A crash leaves the old one.
func (h *History) shorten() error {
	text, err := os.ReadFile(h.path)
	if err != nil {
		return fmt.Errorf("reading the history: %w", err)
	}
	lines := bytes.SplitAfter(text, []byte{'\n'})
	lines = lines[max(0, len(lines)-historyMax):]
	temp := h.path + ".new"
	if err := os.WriteFile(temp, bytes.Join(lines, nil), 0o600); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	if err := os.Rename(temp, h.path); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	if h.file, err = os.Stat(h.path); err != nil {
		return fmt.Errorf("writing the history: %w", err)
	}
	h.read = h.file.Size()
	return nil
}

// locked runs a function while no other shell touches the file. The lock is a file of its own,
// since the history may be replaced.
func (h *History) locked(fn func() error) error {
	lock, err := os.OpenFile(h.path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("locking the history: %w", err)
	}
	defer lock.Close() // gives the lock up
	if err := lockFile(lock); err != nil {
		return fmt.Errorf("locking the history: %w", err)
	}
	return fn()
}

// touch takes in what other shells have added. A history that can not be read stays as it is.
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

// after is how the newest line goes on that begins with a text.
func (h *History) after(text string) string {
	_, line := h.find(h.Len(), func(l string) bool { return len(l) > len(text) && strings.HasPrefix(l, text) })
	return strings.TrimPrefix(line, text)
}
