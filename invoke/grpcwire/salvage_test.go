package grpcwire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
)

// Headers and trailers that are too large, or wrong, do not hide the status that came with
// them, and the limit is said to be ours.
func TestStatusBesideBadFields(t *testing.T) {
	const within, beyond = invoke.MaxHeaders / 2, invoke.MaxHeaders + 1
	long := func(n int) string { return strings.Repeat("m", n) }
	many := func(h http.Header, n int) {
		for i := range n / 200 {
			h.Set(http.TrailerPrefix+"k"+strconv.Itoa(i), long(200))
		}
	}
	for name, test := range map[string]struct {
		answer  func(h http.Header)
		code    codes.Code
		message int // bytes of it
		limit   bool
	}{
		"long message": {func(h http.Header) {
			h.Set("grpc-status", "5")
			h.Set("grpc-message", long(within))
		}, codes.NotFound, within, false},
		"long header": {func(h http.Header) { h.Set("x", long(beyond)) }, codes.ResourceExhausted, -1, true},
		"message beyond": {func(h http.Header) { // net/http sends them by their names
			h.Set("grpc-status", "5")
			h.Set("grpc-message", long(beyond))
		}, codes.ResourceExhausted, -1, true},
		"trailer beyond": {func(h http.Header) {
			h.Set(http.TrailerPrefix+"grpc-status", "5")
			h.Set(http.TrailerPrefix+"grpc-message", "short")
			h.Set(http.TrailerPrefix+"x", long(beyond))
		}, codes.NotFound, 5, true},
		"many trailers": {func(h http.Header) {
			h.Set(http.TrailerPrefix+"grpc-status", "5")
			h.Set(http.TrailerPrefix+"grpc-message", "short")
			many(h, beyond)
		}, codes.NotFound, 5, true},
		"details": {func(h http.Header) {
			h.Set("grpc-status", "5")
			h.Set("grpc-message", "short")
			h.Set("grpc-status-details-bin", "%%%")
		}, codes.NotFound, 5, false},
		"other binary": {func(h http.Header) {
			h.Set(http.TrailerPrefix+"grpc-status", "5")
			h.Set(http.TrailerPrefix+"grpc-message", "short")
			h.Set(http.TrailerPrefix+"x-bin", "%%%")
		}, codes.NotFound, 5, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("content-type", "application/grpc")
				test.answer(w.Header())
			}))
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
			server.Start()
			defer server.Close()
			_, s, _ := call(t, server.URL, grpcwire.Options{}, nil)
			var limit *invoke.LimitError
			if s.Code != test.code || test.message >= 0 && len(s.Message) != test.message || errors.As(s.Cause, &limit) != test.limit {
				t.Errorf("%v, %d bytes, from the %s, because of %v", s.Code, len(s.Message), s.Origin, s.Cause)
			}
		})
	}
}
