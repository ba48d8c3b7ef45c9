package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/diskcache"
	"github.com/rpcctl/rpcctl/internal/fault"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/invoke"
)

// reflection returns the schema of the server, with what is remembered of it where
// there is a name to remember it by.
func (s *Session) reflection(ctx context.Context, t invoke.Transport) (discovery.Source, error) {
	duplex, err := s.Duplex(ctx)
	if err != nil {
		return nil, err
	}
	r := discovery.Reflect(t, discovery.ReflectOptions{
		Metadata: s.settings.ReflectMetadata, Duplex: duplex,
		Told: s.world.Asked, Open: s.settings.openLimit(),
	})
	group, ok := s.group()
	if !ok {
		s.closers = append(s.closers, r.Close)
		return r, nil
	}
	s.memory = discovery.Remember(r, s.Cache().Group(group), s.live.Load(), s.world.Now)
	s.closers = append(s.closers, s.memory.Close)
	return s.memory, nil
}

// Cache returns where schemas are remembered; one that keeps nothing when that is
// not wanted.
func (s *Session) Cache() *diskcache.Cache {
	if s.settings.NoCache {
		return diskcache.New("")
	}
	return diskcache.New(s.world.CacheDir)
}

// TargetGroup begins the names of groups with what is remembered of servers.
const TargetGroup = "target "

// group returns the name under which a server is remembered, and whether it has one. The demo
// inside this process and sockets have none, since another server may have the same path
// tomorrow.
func (s *Session) group() (string, bool) {
	target := s.settings.Target
	if target == nil || s.settings.NoCache || s.world.CacheDir == "" {
		return "", false
	}
	switch target.Network {
	case "tcp":
	case invoke.NetworkResolver:
		scheme, _, _ := strings.Cut(target.Address, ":")
		if scheme != "dns" && scheme != "xds" {
			return "", false
		}
	default:
		return "", false
	}
	name := TargetGroup + target.String()
	// What else decides who answers. Credentials are not part of it, not even as a hash: they
	// change, and they are secret.
	if s.settings.Authority != "" {
		name += fmt.Sprintf(" authority %q", s.settings.Authority)
	}
	if s.settings.TLS.ServerName != "" {
		name += fmt.Sprintf(" servername %q", s.settings.TLS.ServerName)
	}
	var routing []string
	for _, key := range s.settings.ReflectMetadata.Keys() {
		if values := s.settings.ReflectMetadata[key]; !slices.ContainsFunc(values,
			func(v string) bool { return secret.Request(key, v) }) {
			routing = append(routing, fmt.Sprintf("%q=%q", key, values))
		}
	}
	if len(routing) > 0 {
		sum := sha256.Sum256([]byte(strings.Join(routing, "\n")))
		name += " metadata " + hex.EncodeToString(sum[:6])
	}
	return name, true
}

// A refresh is a question that is asked beside a call.
type refresh struct {
	cancel context.CancelFunc
	done   chan struct{}
}

// Refresh begins to ask the server again for what was remembered of it. It never
// waits; what is not done when the session closes is dropped.
func (s *Session) Refresh(ctx context.Context) {
	if s.memory == nil || !s.memory.Used() {
		return
	}
	s.endRefresh()
	ctx, cancel := context.WithCancel(ctx)
	r := &refresh{cancel: cancel, done: make(chan struct{})}
	memory := s.memory
	go func() {
		defer fault.Exit()
		defer close(r.done)
		memory.Refresh(ctx)
	}()
	s.refresh = r
}

func (s *Session) endRefresh() {
	if s.refresh == nil {
		return
	}
	s.refresh.cancel()
	<-s.refresh.done
	s.refresh = nil
}

// remember ends the refresh and keeps what the server told.
func (s *Session) remember() {
	s.endRefresh()
	if s.memory != nil {
		s.memory.Save()
	}
}

// FromMemory reports whether any of the schema that was used so far was remembered
// from an earlier process.
func (s *Session) FromMemory() bool { return s.memory != nil && s.memory.Used() }

// Forget drops what is remembered of the server. From then on the server is asked for whatever is
// looked up.
func (s *Session) Forget() {
	s.endRefresh()
	if s.memory == nil {
		return
	}
	s.memory.Forget()
	s.types = nil // it remembers types
}
