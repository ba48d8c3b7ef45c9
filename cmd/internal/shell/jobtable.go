package shell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
)

// A jobTable is the calls in the background.
type jobTable struct {
	mu    sync.Mutex
	tasks []*task
	last  int
	lost  error       // the first failure of the jobs that made room for others
	times []time.Time // of the newest notices
	more  int         // notices that were left out
}

func (t *jobTable) add(w *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	w.number = t.last
	t.tasks = append(t.tasks, w)
	if len(t.tasks) > jobMax {
		t.makeRoom()
	}
}

// jobMax is how many jobs are kept: the oldest that have ended make room for others.
const jobMax = 500

// makeRoom forgets the oldest jobs that have ended.
func (t *jobTable) makeRoom() {
	over := len(t.tasks) - jobMax
	t.tasks = slices.DeleteFunc(t.tasks, func(w *task) bool {
		if over == 0 || !w.over() {
			return false
		}
		over--
		if t.lost == nil {
			t.lost = w.Err()
		}
		return true
	})
}

// takeLost returns the first failure of the jobs that made room for others, and forgets it.
func (t *jobTable) takeLost() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.lost
	t.lost = nil
	return err
}

func (t *jobTable) remove(w *task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks = slices.DeleteFunc(t.tasks, func(o *task) bool { return o == w })
	if len(t.tasks) == 0 {
		t.last = 0
	}
}

func (t *jobTable) all() []*task {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.tasks)
}

// running are the jobs that have not ended.
func (t *jobTable) running() []*task {
	return slices.DeleteFunc(t.all(), (*task).over)
}

// cancelAll cancels them all and waits for their end, until ctx is done.
func (t *jobTable) cancelAll(ctx context.Context) {
	t.cancel()
	for _, w := range t.all() {
		_ = w.Wait(ctx)
	}
}

// find returns the job that a word names: %1, 1, or "" for the newest.
func (t *jobTable) find(name string) (*task, error) {
	works := t.all()
	if len(works) == 0 {
		return nil, problem.Usage(errors.New("there are no jobs"), "METHOD & runs a call in the background")
	}
	if name == "" {
		return works[len(works)-1], nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(name, "%"))
	for _, w := range works {
		if err == nil && w.number == n {
			return w, nil
		}
	}
	return nil, problem.Usage(fmt.Errorf("%q: no such job", name), "jobs lists them")
}

// There are at most noticeMax notices within noticeTime; a summary stands for the others.
const (
	noticeMax  = 5
	noticeTime = time.Second
)

// notice reports whether there is room for one more notice. When there is not, later is called
// with the number of those that were left out.
func (t *jobTable) notice(now time.Time, later func(n int)) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = slices.DeleteFunc(t.times, func(at time.Time) bool { return now.Sub(at) > noticeTime })
	if len(t.times) < noticeMax {
		t.times = append(t.times, now)
		return true
	}
	if t.more++; t.more == 1 {
		time.AfterFunc(noticeTime, func() {
			t.mu.Lock()
			n := t.more
			t.more = 0
			t.mu.Unlock()
			later(n)
		})
	}
	return false
}

// cancel cancels all jobs.
func (t *jobTable) cancel() {
	for _, w := range t.all() {
		w.Cancel()
	}
}
