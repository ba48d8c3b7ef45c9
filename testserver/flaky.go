package testserver

import "sync"

const (
	maxFlakyKeys = 1000
	maxFlakyKey  = 256 // bytes
)

// flaky counts attempts by key. When there are too many keys it forgets the one
// that it has known longest.
type flaky struct {
	mu       sync.Mutex
	attempts map[string]int
	keys     []string // by age
}

func newFlaky() *flaky { return &flaky{attempts: map[string]int{}} }

// try counts an attempt and returns its number, from 1, and whether it works: it does after
// the given number of failures. Then the key starts again.
func (f *flaky) try(key string, failures int) (attempt int, works bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	attempt = f.attempts[key] + 1
	if attempt > failures {
		f.forget(key)
		return attempt, true
	}
	if attempt == 1 {
		if len(f.keys) == maxFlakyKeys {
			f.forget(f.keys[0])
		}
		f.keys = append(f.keys, key)
	}
	f.attempts[key] = attempt
	return attempt, false
}

func (f *flaky) forget(key string) {
	if _, known := f.attempts[key]; !known {
		return
	}
	delete(f.attempts, key)
	for i, k := range f.keys {
		if k == key {
			f.keys = append(f.keys[:i], f.keys[i+1:]...)
			return
		}
	}
}
