package httpwire

import (
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// brokenOff recognises net/http's text for a call or a connection that the server broke off,
// since its types are not exported, and replaces it by our own.
func brokenOff(s *invoke.Status, text string) bool {
	const (
		reset = "stream error: stream ID "
		peer  = "; received from peer"
		gone  = "server sent GOAWAY and closed the connection; "
	)
	var ended *connect.EndedError
	if _, rest, ok := strings.Cut(text, reset); ok && strings.HasSuffix(rest, peer) {
		_, code, _ := strings.Cut(strings.TrimSuffix(rest, peer), "; ")
		ended = &connect.EndedError{Code: code}
	} else if _, rest, ok := strings.Cut(text, gone); ok {
		ended = &connect.EndedError{GoAway: true}
		fields, said, _ := strings.Cut(rest, ", debug=")
		_, ended.Code, _ = strings.Cut(fields, "ErrCode=")
		if unquoted, err := strconv.Unquote(said); err == nil {
			ended.Text = unquoted
		}
	}
	if ended == nil || ended.Code == "" {
		return false
	}
	s.Message, s.Cause = ended.Error(), ended
	return true
}
