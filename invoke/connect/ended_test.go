package connect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rpcctl/rpcctl/invoke/connect"
)

func TestEndedErrorTexts(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  connect.EndedError
		want string
	}{
		{"a call", connect.EndedError{Code: "REFUSED_STREAM"}, "the server broke the call off: REFUSED_STREAM"},
		{"a connection", connect.EndedError{Code: "NO_ERROR", GoAway: true}, "the server gave up the connection: NO_ERROR"},
		{"with a reason", connect.EndedError{Code: "ENHANCE_YOUR_CALM", GoAway: true, Text: "too_many_pings"}, "the server gave up the connection: ENHANCE_YOUR_CALM: too_many_pings"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, tt.err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
