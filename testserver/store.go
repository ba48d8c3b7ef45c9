package testserver

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// What the shop remembers at most. Orders beyond it push out the oldest; those
// that were there from the start stay, so that examples keep working.
const (
	maxOrders     = 1000
	maxOrderBytes = 4 << 20
	maxStoreBytes = 16 << 20
)

// store keeps orders in the order in which they were placed. It keeps them serialized: a
// message can take fifty times the size of its encoding, so a limit on encoded bytes would be
// none.
type store struct {
	mu      sync.Mutex
	records []*record // by rising place
	bytes   int
	places  int // given out so far
	names   int // given out so far
}

// record is an order that is kept. It is replaced and never changed.
type record struct {
	name  string
	kind  demov1.Kind
	wire  []byte
	place int
	seed  bool
}

func newStore(now time.Time) (*store, error) {
	s := &store{names: 1000}
	for _, order := range seeds(now) {
		if err := s.keep(order, true); err != nil {
			return nil, fmt.Errorf("stocking the shop: %w", err)
		}
	}
	return s, nil
}

// put keeps an order. It replaces the one of the same name; an order without a name gets one
// first.
func (s *store) put(order *demov1.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for order.GetId() == "" {
		s.names++
		if name := strconv.Itoa(s.names); s.index(name) < 0 {
			order.Id = name
		}
	}
	return s.keep(order, false)
}

// update lets change work on the order of the given name ("" is the last one) and keeps the
// result at the same place. It reports false when there is no such order. The change runs
// under the store's lock, so that no other change is lost.
func (s *store) update(name string, change func(*demov1.Order) error) (*demov1.Order, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(name)
	if i < 0 {
		return nil, false, nil
	}
	old := s.records[i]
	order, err := old.order()
	if err != nil {
		return nil, true, err
	}
	if err := change(order); err != nil {
		return nil, true, err
	}
	if s.records[i], err = newRecord(order, old.place, old.seed); err != nil {
		s.records[i] = old
		return nil, true, err
	}
	s.bytes += len(s.records[i].wire) - len(old.wire)
	s.makeRoom()
	return order, true, nil
}

// get returns the order of a name, or the one placed last for "". It reports
// false when there is none.
func (s *store) get(name string) (*demov1.Order, bool, error) {
	s.mu.Lock()
	i := s.index(name)
	var r *record
	if i >= 0 {
		r = s.records[i]
	}
	s.mu.Unlock()
	if r == nil {
		return nil, false, nil
	}
	order, err := r.order()
	return order, true, err
}

// remove forgets the order of a name and reports whether there was one.
func (s *store) remove(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(name)
	if i < 0 {
		return false
	}
	s.drop(i)
	return true
}

// A page is some of the orders, and what is needed to ask for the next.
type page struct {
	records []*record
	last    int  // the place of the last one
	more    bool // others follow
	total   int  // orders on all pages
}

// list returns orders of a kind (all for unspecified) that were placed after
// the given place: at most limit of them, and no more than fit a page, but one
// at least when there is any.
func (s *store) list(kind demov1.Kind, after, limit int) page {
	// Clients take 4 MiB by default: a page stays well under it.
	const pageBytes = 2 << 20
	s.mu.Lock()
	defer s.mu.Unlock()
	var p page
	bytes := 0
	for _, r := range s.records {
		if kind != demov1.Kind_KIND_UNSPECIFIED && r.kind != kind {
			continue
		}
		p.total++
		if r.place <= after || p.more {
			continue
		}
		if len(p.records) == limit || len(p.records) > 0 && bytes+len(r.wire) > pageBytes {
			p.more = true
			continue
		}
		p.records = append(p.records, r)
		bytes += len(r.wire)
		p.last = r.place
	}
	return p
}

func newRecord(order *demov1.Order, place int, seed bool) (*record, error) {
	wire, err := proto.Marshal(order)
	if err != nil {
		return nil, fmt.Errorf("keeping order %q: %w", order.GetId(), err)
	}
	return &record{name: order.GetId(), kind: order.GetKind(), wire: wire, place: place, seed: seed}, nil
}

func (r *record) order() (*demov1.Order, error) {
	order := &demov1.Order{}
	if err := proto.Unmarshal(r.wire, order); err != nil {
		return nil, fmt.Errorf("fetching order %q: %w", r.name, err)
	}
	return order, nil
}

// keep and what follows need the lock.
func (s *store) keep(order *demov1.Order, seed bool) error {
	i := s.index(order.GetId())
	if i >= 0 {
		seed = s.records[i].seed
	}
	r, err := newRecord(order, s.places+1, seed)
	if err != nil {
		return err
	}
	if i >= 0 {
		s.drop(i)
	}
	s.places++
	s.records = append(s.records, r)
	s.bytes += len(r.wire)
	s.makeRoom()
	return nil
}

// makeRoom drops the oldest orders until the rest fit. The last one stays.
func (s *store) makeRoom() {
	for i := 0; i < len(s.records)-1 && (len(s.records) > maxOrders || s.bytes > maxStoreBytes); {
		// Seeds stay, unless something large has replaced them.
		if s.records[i].seed && len(s.records[i].wire) < 1<<10 {
			i++
			continue
		}
		s.drop(i)
	}
}

func (s *store) drop(i int) {
	s.bytes -= len(s.records[i].wire)
	s.records = slices.Delete(s.records, i, i+1)
}

// index finds a name, or the last record for "". It is -1 when there is none.
func (s *store) index(name string) int {
	if name == "" {
		return len(s.records) - 1
	}
	return slices.IndexFunc(s.records, func(r *record) bool { return r.name == name })
}
