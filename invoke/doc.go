// Package invoke describes a remote procedure call as data, runs it over a
// Transport, and reports what happened as events to a Sink.
//
// The main type is Invoker: its Do method is the one call loop of the project,
// for unary calls and all kinds of streams, on every wire. Printing, counting,
// keeping and replaying a call are Sinks; a typed message, a file, a pipe and a
// prompt are Requests.
package invoke
