// Package formatters turns the events of calls, statuses and descriptors into
// bytes, for people or for programs.
//
// The main type is [Formatter], a sink that writes the responses of a call in one
// of the formats that [New] knows. [Verbose] is a sink that prints for a
// person what happens meanwhile, [WriteStatus] prints how a call ended, and [WriteDescriptor] prints
// a definition. Text that came from a server or a schema leaves this package with every control and
// direction character escaped; only [Raw] writes bytes as they are.
//
// A format is a file here; what formats are made of is in packages below internal, which know
// nothing of calls: JSON as text (jsontext), YAML, the text format (textformat), proto source
// (protosource), columns (grid), jq programs within bounds (jq), what a message takes in memory
// (memory), text that is fit to be shown (safetext), and the writer that gathers messages (batch).
package formatters
