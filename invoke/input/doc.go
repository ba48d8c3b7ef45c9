// Package input turns what was typed (JSON, field=value words, YAML, prototext, raw
// bytes, files, standard input) into request messages, with a place for every error.
// Its main type is [Source], which is an invoke.Requests.
//
// # Parts
//
// A request is given in parts: -d DATA and the arguments after the method. A part is a
// document, the name of a file with documents ("@file"), standard input ("-", "@", "@-"),
// or a word ("field=value", "field:=JSON"). An argument that has a field path before its
// first "=" or ":=" is a word; everything else, such as what begins with "{", is a
// document.
//
// Where the client streams, each document is a message, and the words after a part change
// each message of that part; words with no part before them are a message of their own.
// Everywhere else the parts merge from left to right into one message: lists grow, maps
// and messages are merged, and a later scalar replaces an earlier one. No part at all is
// one empty message, or an empty stream.
//
// # Words
//
//	id=o-1                      a field by the name in the .proto file, or in lowerCamel
//	ship_to.city=Oslo           a field of a message in a field
//	items[0].sku=a              an element of a list; [-1] is the last one
//	items[+].sku=a              one more element; items[] is the same
//	items[+].sku=a items[-1].qty=2   two fields of one new element
//	labels[env]=prod            an element of a map; labels["a]b"] for any key
//	[acme.ext]=5                an extension; ship_to.[acme.ext]=5 in a message
//	detail.@type=acme.Foo detail.n=5   an Any: its type first, then its fields
//	meta.limits.cpu=2           a free path in a Struct, ListValue or Value
//	tags:='["a","b"]'           any JSON value, which replaces what was there
//	n=null                      removes a field, or an element of a list or map; in a
//	                            Struct, meta.a:=null is a value
//
// What stands after "=" is read by the type of the field, so that it needs no quotes of
// its own: numbers, true and false, enum names (in full, or without the prefix that all
// names of the enum share), times ("2026-01-02T03:04:05Z", "now"), durations ("1.5s").
// Strings are taken as they stand, "null" too, and so is everything in a Value. Bytes are
// "0x" and hexadecimal digits, "text:" and text, or base64 as in JSON. "@file" is the
// content of a file: of a string or bytes field as it is, of a message field as a
// document. A string that begins with "@" is written "\@..." or :='"@..."'.
//
// Words of one message that set the same place twice, or two members of a oneof, are
// errors; a word may well replace what a document has set.
package input
