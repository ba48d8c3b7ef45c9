package shell

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/rpcctl/rpcctl/cmd/internal/pool"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/cmd/internal/values"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
)

// Bounds on the results that are kept. pool.Max bounds the sessions that they are from.
const (
	resultMax   = 200
	resultBytes = 64 << 20
)

// A resultTable is the calls that have ended, by number.
type resultTable struct {
	mu    sync.Mutex
	tasks map[int]*task
	last  int
}

// add keeps a result and returns its number. A result that is kept already has the number that
// it had.
func (t *resultTable) add(w *task) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tasks == nil {
		t.tasks = map[int]*task{}
	}
	for n, known := range t.tasks {
		if known == w {
			return n
		}
	}
	t.last++
	t.tasks[t.last] = w
	var size int64
	sessions := map[*session.Session]bool{}        // a result needs the schema of its session to be shown
	for n := t.last; n > t.last-resultMax-1; n-- { // what is older is gone already
		w, ok := t.tasks[n]
		if !ok {
			continue
		}
		size += w.State().Bytes
		sessions[w.session] = true
		if t.last-n >= resultMax || n < t.last && (size > resultBytes || len(sessions) > pool.Max) {
			delete(t.tasks, n)
		}
	}
	return t.last
}

// get returns a result by its number, 0 for the last one.
func (t *resultTable) get(n int) *task {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n == 0 {
		n = t.last
	}
	return t.tasks[n]
}

// Bounds on looking for values in results, which happens at a key.
const (
	seenResults = 10
	seenBytes   = 64 << 10
)

// seen are the strings that fields of a name have in the newest results, the newest first.
func (t *resultTable) seen(name string) []string {
	var found []string
	numbers := t.numbers()
	for _, n := range slices.Backward(numbers[max(0, len(numbers)-seenResults):]) {
		w := t.get(n)
		if w.State().Bytes > seenBytes {
			continue
		}
		messages, err := values.Messages(w.Job, invoke.ResponseReceived)
		if err != nil {
			continue
		}
		for _, m := range messages {
			var message any
			if json.Unmarshal(m, &message) == nil {
				found = collect(found, message, name)
			}
		}
	}
	return found
}

func collect(found []string, in any, name string) []string {
	switch v := in.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[key].(string); ok && key == name {
				found = append(found, text)
			}
			found = collect(found, v[key], name)
		}
	case []any:
		for _, e := range v {
			found = collect(found, e, name)
		}
	}
	return found
}

func (t *resultTable) numbers() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(maps.Keys(t.tasks))
}

// job returns the call of a result as get does.
func (t *resultTable) job(n int) *job.Job {
	if w := t.get(n); w != nil {
		return w.Job
	}
	return nil
}
