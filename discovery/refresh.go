package discovery

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/discovery/internal/builtin"
	"github.com/rpcctl/rpcctl/discovery/internal/descpool"
)

// Refresh asks the server again for what came from the store, unless that was done within the
// last minute, and puts what is new into the store. It ends with ctx, whether it is done or
// not. A server that does not answer is no error: what is remembered stays until it is too
// old.
//
// When something has changed, later lookups ask the server.
func (r *Remembered) Refresh(ctx context.Context) {
	r.mu.Lock()
	var used []string
	for key := range r.used {
		used = append(used, key)
	}
	asking := r.asking
	r.mu.Unlock()
	if asking || len(used) == 0 {
		return
	}
	if _, at, ok := r.store.Get(keyRefreshed); ok {
		if age := r.now().Sub(at); age >= 0 && age < refreshEvery {
			return
		}
	}
	// Recorded before it is done, so that processes that run at the same time do not all do
	// it.
	if r.store.Put(keyRefreshed, nil) != nil {
		return
	}
	changed := false
	for _, key := range used {
		differs, err := r.refresh(ctx, key)
		if err != nil || ctx.Err() != nil {
			break
		}
		changed = changed || differs
	}
	if changed {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asking = true
	}
}

// refresh asks for one key again, and reports whether the answer has changed.
func (r *Remembered) refresh(ctx context.Context, key string) (changed bool, err error) {
	var fresh []byte
	switch {
	case key == keyServices:
		names, err := r.live.Services(ctx)
		if err != nil {
			return false, err
		}
		r.mu.Lock()
		index := r.index
		r.mu.Unlock()
		fresh = newServiceIndex(names, r.live, index).format()
	case strings.HasPrefix(key, keySymbol):
		d, err := r.live.Find(ctx, protoreflect.FullName(key[len(keySymbol):]))
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return false, err
		default:
			set, ok := r.live.closureSet(d)
			if !ok {
				return false, nil
			}
			fresh = set
		}
	case strings.HasPrefix(key, keyExtensions):
		name := protoreflect.FullName(key[len(keyExtensions):])
		if _, err := r.live.Extensions(ctx, name); err != nil {
			return false, err
		}
		set, ok := r.describe(key, name)
		if !ok {
			return false, nil
		}
		fresh = set
	default:
		return false, nil
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if old, _, ok := r.store.Get(key); ok && bytes.Equal(old, fresh) {
		r.store.Touch(key, r.now())
		return false, nil
	}
	return true, r.store.Put(key, fresh)
}

// lacks reports whether the server has said that it does not have a symbol.
func (r *Reflection) lacks(name protoreflect.FullName) bool {
	r.turn <- struct{}{}
	defer r.release()
	return r.noSymbol[name]
}

// closureSet returns the files in which symbols are declared and all that they
// import as a descriptor set, as the server sent them. What is part of this program
// is left out.
func (r *Reflection) closureSet(symbols ...protoreflect.Descriptor) ([]byte, bool) {
	files := Closure(symbols...)
	r.turn <- struct{}{}
	defer r.release()
	var set []byte
	for _, fd := range files {
		raw, ok := r.pool.Encoded(fd.Path())
		if !ok {
			if builtin.File(fd.Path()) == nil {
				return nil, false // it was split since
			}
			continue
		}
		set = descpool.AppendFile(set, raw)
	}
	return set, true
}
