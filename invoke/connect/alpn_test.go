package connect_test

import (
	"crypto/tls"
	"slices"
	"testing"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

func TestALPN(t *testing.T) {
	config := &tls.Config{NextProtos: []string{"spdy/3"}}
	connect.OfferALPN(config, connect.VersionHTTP2, connect.VersionHTTP1)
	if want := []string{"h2", "http/1.1"}; !slices.Equal(config.NextProtos, want) {
		t.Errorf("offered %q, want %q", config.NextProtos, want)
	}
	connect.OfferALPN(config, connect.VersionHTTP3)
	if want := []string{"h3"}; !slices.Equal(config.NextProtos, want) {
		t.Errorf("offered %q, want %q", config.NextProtos, want)
	}
	for protocol, want := range map[string]string{"h2": "2", "http/1.1": "1.1", "": "", "spdy/3": ""} {
		if got := connect.AgreedVersion(tls.ConnectionState{NegotiatedProtocol: protocol}); got != want {
			t.Errorf("%q: agreed on %q, want %q", protocol, got, want)
		}
	}
}
