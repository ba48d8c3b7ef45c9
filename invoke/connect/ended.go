package connect

// An EndedError is a call, or the connection under it, that the server broke off with an
// error of HTTP/2 instead of a status.
type EndedError struct {
	Code   string // its name: ENHANCE_YOUR_CALM (RFC 9113, section 7)
	GoAway bool   // the connection, and not the call alone
	Text   string // what the server said about it: clean before printing; may be ""
}

func (e *EndedError) Error() string {
	s := "the server broke the call off: " + e.Code
	if e.GoAway {
		s = "the server gave up the connection: " + e.Code
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}
