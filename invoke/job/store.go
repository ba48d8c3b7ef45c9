package job

import (
	"slices"
	"sync"
	"weak"
)

// StoreBytes is how much the jobs of a Store keep together, in bytes.
const StoreBytes = 48 << 20

// eventBytes is what an event counts for in a Store, in addition to its message, in bytes.
const eventBytes = 256

// A Store bounds what several jobs keep: the oldest drop events for those of others. It keeps
// no job alive. The zero value is ready for use. It is safe for concurrent use.
type Store struct {
	mu   sync.Mutex          // of all its jobs
	held int64               // by all jobs; those that are no longer referenced count until sweep
	jobs []weak.Pointer[Job] // the oldest first
}

// admit makes room for an event of a job and counts it. Events that a follower has not seen
// stay: there are few of them, since the call waits for its follower. The store is locked.
func (s *Store) admit(j *Job, size int64) {
	size += eventBytes
	if s.held+size > StoreBytes {
		s.sweep()
		s.makeRoom(j, size)
	}
	if !j.stored {
		j.stored = true
		s.jobs = append(s.jobs, weak.Make(j))
	}
	j.held += size
	s.held += size
}

// sweep forgets the jobs that are no longer referenced, or that keep nothing. The store is
// locked.
func (s *Store) sweep() {
	s.held = 0
	s.jobs = slices.DeleteFunc(s.jobs, func(p weak.Pointer[Job]) bool {
		j := p.Value()
		if j == nil {
			return true
		}
		s.held += j.held
		j.stored = j.held > 0
		return !j.stored
	})
}

// spare is how much more room is made than needed, so that it is not made for each event.
const spare = StoreBytes / 16

// makeRoom makes jobs drop events, j last. The store is locked.
func (s *Store) makeRoom(j *Job, size int64) {
	for _, p := range s.jobs {
		other := p.Value()
		for other != nil && other != j && !other.following && other.held > 0 && s.held+size > StoreBytes-spare {
			other.dropFirst()
		}
	}
	for s.held+size > StoreBytes && j.held > 0 && !(j.following && j.seen <= j.first) {
		j.dropFirst()
	}
}

// release notes that a job has dropped an event. The store is locked.
func (s *Store) release(j *Job, size int64) {
	size += eventBytes
	j.held -= size
	s.held -= size
}
