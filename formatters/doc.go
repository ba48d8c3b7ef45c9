// Package formatters turns the events of calls, statuses and descriptors into
// bytes, for people or for programs.
//
// The main type is [Formatter], a sink that writes the responses of a call in one
// of the formats that [New] knows. [Verbose] is a sink that tells a person what
// happens meanwhile, [WriteStatus] says how a call ended, and [WriteDescriptor]
// shows a definition. Text that came from a server or a schema leaves this package
// with every control and direction character escaped; only [Raw] hands bytes on
// as they are.
package formatters
