// Package discovery answers questions about a schema: which services are there, and what is
// this symbol. The answers come from server reflection, from descriptor sets, or from .proto
// files, and nothing is fetched, parsed or built before a question needs it.
//
// The main type is Source, which Reflection, Protoset, Protofiles and Layered implement.
// FindMethod and FindSymbol look up what a person typed in one.
//
// What a Source reads counts as hostile until it is checked: the library that builds
// descriptors gets only files whose size, depth, names, imports and references are in order.
package discovery
