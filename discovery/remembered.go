package discovery

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
	"github.com/rpcctl/rpcctl/discovery/internal/rawdesc"
	"github.com/rpcctl/rpcctl/discovery/internal/symbol"
)

// A Store keeps what is known of one server for the next process. A fault of it is
// a miss, and never an error of a lookup. It must be safe for concurrent use.
type Store interface {
	// Get returns what was put under a key, as the caller's own, and when it was
	// last put or touched.
	Get(key string) (data []byte, at time.Time, ok bool)
	Put(key string, data []byte) error
	Touch(key string, at time.Time)
	Remove(key string)
	Drop() error // all of it
}

// The times of a Remembered.
const (
	rememberedFor = 24 * time.Hour // since it was last confirmed
	refreshEvery  = time.Minute
)

// A Remembered is the Source of a server whose descriptors are kept between processes. It
// answers at once what the store has, and asks the server for everything else. It is safe for
// concurrent use.
//
// The server may have changed since, so the caller has three duties: Refresh, beside a call;
// Forget, when an answer shows that what was remembered no longer holds; and Save, when there
// is time.
type Remembered struct {
	live  *Reflection
	store Store
	now   func() time.Time

	mu      sync.Mutex
	asking  bool // the store is no longer read
	pool    *descpool.Pool
	loaded  map[string]bool // keys of the store that were read
	used    map[string]bool // those that an answer came from
	pending map[string]protoreflect.FullName
	index   *serviceIndex // of the store; nil: not read
	listed  bool          // the server has told its services
	learned bool          // the server has said something else
}

// Remember returns a source that asks the store first. With live set it only
// fills it. The clock is for the age of what the store has.
func Remember(r *Reflection, s Store, live bool, now func() time.Time) *Remembered {
	m := &Remembered{live: r, store: s, now: now, asking: live, pending: map[string]protoreflect.FullName{}}
	m.reset()
	return m
}

func (r *Remembered) reset() {
	r.pool = descpool.New(nil, descpool.MaxServerWeight)
	r.loaded, r.used = map[string]bool{}, map[string]bool{}
	r.index = nil
}

// The keys of a store.
const (
	keyServices   = "services"
	keyTypes      = "types"
	keyRefreshed  = "refreshed"
	keySymbol     = "symbol "
	keyExtensions = "extensions "
)

// Services implements Source.
func (r *Remembered) Services(ctx context.Context) ([]protoreflect.FullName, error) {
	r.mu.Lock()
	if index := r.readIndex(); index != nil {
		defer r.mu.Unlock()
		r.used[keyServices] = true
		return slices.Clone(index.services), nil
	}
	r.mu.Unlock()
	names, err := r.live.Services(ctx)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.listed = true
	}
	return names, err
}

// readIndex returns what is remembered of the services, or nil.
func (r *Remembered) readIndex() *serviceIndex {
	if r.asking || r.listed {
		return nil
	}
	if r.index == nil && !r.loaded[keyServices] {
		r.loaded[keyServices] = true
		if data, ok := r.get(keyServices); ok {
			r.index = parseServiceIndex(data)
		}
	}
	return r.index
}

// get returns what the store has under a key and is not too old.
func (r *Remembered) get(key string) ([]byte, bool) {
	data, at, ok := r.store.Get(key)
	if age := r.now().Sub(at); !ok || age > rememberedFor || age < -rememberedFor {
		return nil, false
	}
	return data, true
}

// Find implements Source.
func (r *Remembered) Find(ctx context.Context, name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if !symbol.Valid(name) {
		return nil, &UnknownError{Kind: KindSymbol, Name: string(name)}
	}
	if d := builtin.WellKnownSymbol(name); d != nil {
		return d, nil
	}
	if d, known := r.remembered(ctx, name); known {
		if d == nil {
			return nil, &UnknownError{Kind: KindSymbol, Name: string(name)}
		}
		return d, nil
	}
	d, err := r.live.Find(ctx, name)
	if err == nil || errors.Is(err, ErrNotFound) {
		r.remember(keySymbol, name)
	}
	return d, err
}

// maxPending is how many symbols of one process are kept one by one. A process that needs
// more, to list or export them, had better ask again.
const maxPending = 64

func (r *Remembered) remember(kind string, name protoreflect.FullName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learned = true
	if len(r.pending) < maxPending {
		r.pending[kind+string(name)] = name
	}
}

// remembered looks a symbol up in the store. known and a nil descriptor mean that the server
// does not have the name.
func (r *Remembered) remembered(
	ctx context.Context, name protoreflect.FullName,
) (d protoreflect.Descriptor, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking {
		return nil, false
	}
	if d, err := r.pool.Find(ctx, name); err == nil {
		return d, true
	}
	key := keySymbol + string(name)
	empty, ok := r.load(key)
	if !ok {
		return nil, false
	}
	if empty {
		r.used[key] = true
		return nil, true
	}
	d, err := r.pool.Find(ctx, name)
	if err != nil {
		return nil, false
	}
	r.used[key] = true
	return d, true
}

// load takes the files that are kept under a key into the pool. A file that is not valid, or
// that differs from one in the pool, makes the entry a miss.
func (r *Remembered) load(key string) (empty, ok bool) {
	if r.loaded[key] {
		return false, false
	}
	r.loaded[key] = true
	data, ok := r.get(key)
	if !ok {
		return false, false
	}
	whole := true
	err := rawdesc.Fields(data, func(rec rawdesc.Field) bool {
		_, differs, err := r.pool.Add(reflectionOrigin, rec.Bytes)
		whole = rec.Number == rawdesc.SetFile && err == nil && !differs
		return whole
	})
	if err != nil || !whole {
		r.store.Remove(key)
		return false, false
	}
	return len(data) == 0, true
}

// Extensions implements Source.
func (r *Remembered) Extensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, error) {
	if xs, known := r.rememberedExtensions(ctx, message); known {
		return xs, nil
	}
	xs, err := r.live.Extensions(ctx, message)
	if err == nil {
		r.remember(keyExtensions, message)
	}
	return xs, err
}

func (r *Remembered) rememberedExtensions(
	ctx context.Context, message protoreflect.FullName,
) ([]protoreflect.ExtensionDescriptor, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := keyExtensions + string(message)
	if r.asking {
		return nil, false
	}
	if !r.used[key] {
		if _, ok := r.load(key); !ok {
			return nil, false
		}
		r.used[key] = true
	}
	xs, err := r.pool.Extensions(ctx, message)
	return xs, err == nil
}

// Used reports whether anything that was answered came from the store.
func (r *Remembered) Used() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.used) > 0
}

// Empty reports whether the server has to be asked for the services, because they are not
// remembered or because Ask was called.
func (r *Remembered) Empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readIndex() == nil
}

// Ask makes the source ask the server from then on. What is remembered stays, for other
// processes.
func (r *Remembered) Ask() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.asking {
		r.asking = true
		r.reset()
	}
}

// Forget drops all that is remembered of the server, which is asked from then on.
func (r *Remembered) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asking = true
	r.reset()
	// A store that cannot be written to cannot be dropped either: it stays.
	_ = r.store.Drop()
}

// Save puts what the server said into the store.
func (r *Remembered) Save() {
	r.mu.Lock()
	pending := r.pending
	r.pending = map[string]protoreflect.FullName{}
	told := r.listed || r.learned
	r.mu.Unlock()
	for key, name := range pending {
		if set, ok := r.describe(key, name); ok && r.store.Put(key, set) != nil {
			return // the disk is full, or there is no folder: the rest would fail, too
		}
	}
	if told {
		r.saveIndex()
	}
}

// describe returns the files that the live source has for a pending key.
func (r *Remembered) describe(key string, name protoreflect.FullName) ([]byte, bool) {
	if key == keySymbol+string(name) {
		d := r.live.cached(name)
		if d == nil {
			return nil, r.live.lacks(name)
		}
		return r.live.closureSet(d)
	}
	xs, ok := r.live.cachedExtensions(name)
	if !ok {
		return nil, false
	}
	symbols := make([]protoreflect.Descriptor, len(xs))
	for i, x := range xs {
		symbols[i] = x
	}
	return r.live.closureSet(symbols...)
}

// Close ends the reflection stream.
func (r *Remembered) Close() error { return r.live.Close() }

func (r *Remembered) prefetch(ctx context.Context, names []protoreflect.FullName) {
	var missing []protoreflect.FullName
	for _, n := range names {
		if _, known := r.methodNames(n); !known {
			missing = append(missing, n)
		}
	}
	if len(missing) == 0 {
		return
	}
	r.live.prefetch(ctx, missing)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learned = true
}

func (r *Remembered) methodNames(service protoreflect.FullName) ([]protoreflect.Name, bool) {
	r.mu.Lock()
	if index := r.readIndex(); index != nil {
		if methods, ok := index.methods[service]; ok {
			r.mu.Unlock()
			return methods, true
		}
	}
	methods, ok := r.pool.MethodNames(service)
	r.mu.Unlock()
	if ok {
		return methods, true
	}
	return r.live.methodNames(service)
}

func (r *Remembered) known() []protoreflect.FullName {
	r.mu.Lock()
	names := r.pool.Known()
	if !r.asking {
		if data, ok := r.get(keyTypes); ok {
			names = append(names, parseNames(data)...)
		}
	}
	r.mu.Unlock()
	names = append(names, r.live.known()...)
	slices.Sort(names)
	return slices.Compact(names)
}

func (r *Remembered) explain(name protoreflect.FullName) error {
	r.mu.Lock()
	why := r.pool.WhyMissing(name)
	r.mu.Unlock()
	if why != nil {
		return why
	}
	return r.live.explain(name)
}

// lookupLimit implements limited: for what is not remembered the server is asked.
func (r *Remembered) lookupLimit() time.Duration { return r.live.lookupLimit() }
