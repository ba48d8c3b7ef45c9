// Package connect makes the connection to a target: name, TCP or socket, TLS. When that fails
// it says why: every failure is an *Error, whose Kind is a cause that was found from what the
// other side sent.
package connect
