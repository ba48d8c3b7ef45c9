package job

import (
	"slices"
	"sync"
)

// StoreBytes is how much the jobs of a Store keep together, in bytes.
const StoreBytes = 48 << 20

// eventBytes is what an event counts for in a Store besides its message, in bytes.
const eventBytes = 256

// A Store bounds what several jobs keep: the oldest let go of their events for those of
// others. The zero value is ready for use. It is safe for concurrent use.
type Store struct {
	mu   sync.Mutex // of all its jobs
	held int64
	jobs []*Job // that keep events, the oldest first
}

// admit makes room for an event of a job and counts it. What a follower has not seen yet
// stays: of that there is little, since the call waits for its follower. The store is locked.
func (s *Store) admit(j *Job, size int64) {
	size += eventBytes
	for _, other := range slices.Clone(s.jobs) {
		for other != j && !other.following && other.held > 0 && s.held+size > StoreBytes {
			other.dropFirst()
		}
	}
	for s.held+size > StoreBytes && j.held > 0 && !(j.following && j.seen <= j.first) {
		j.dropFirst()
	}
	if j.held == 0 {
		s.jobs = append(s.jobs, j)
	}
	j.held += size
	s.held += size
}

// release takes note of an event that a job has let go of. The store is locked.
func (s *Store) release(j *Job, size int64) {
	size += eventBytes
	j.held -= size
	s.held -= size
	if j.held == 0 {
		s.jobs = slices.DeleteFunc(s.jobs, func(other *Job) bool { return other == j })
	}
}
