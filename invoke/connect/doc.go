// Package connect makes the connection to a target: name, TCP or socket, TLS.
// When that goes wrong it says why: every failure is an *Error whose Kind tells
// one cause from another, found out from what the other side sent.
package connect
