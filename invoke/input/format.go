package input

import (
	"path/filepath"
	"strings"
)

// A Format is the spelling of documents.
type Format string

// The formats of documents. A stream of messages is JSON values with any white space or
// none between them, YAML documents that begin with "---", prototext with a record
// separator (byte 0x1E) between messages, or messages each with its length before it as a
// varint. Raw is the wire format itself; a single message has no length before it.
const (
	FormatAuto Format = "" // by the extension of a file, else JSON
	FormatJSON Format = "json"
	FormatYAML Format = "yaml"
	FormatText Format = "text"
	FormatRaw  Format = "raw"

	// These are for lists alone.
	FormatNDJSON Format = "ndjson" // a JSON document on each line
	FormatCSV    Format = "csv"    // rows below a line with the names of the columns
	FormatTSV    Format = "tsv"
)

// Formats returns the names of all formats but FormatAuto, for messages and completion.
func Formats() []Format { return []Format{FormatJSON, FormatYAML, FormatText, FormatRaw} }

// ListFormats returns the names of the formats that only lists have.
func ListFormats() []Format { return []Format{FormatNDJSON, FormatCSV, FormatTSV} }

// FormatOf returns the format that the extension of a file name stands for, FormatAuto
// when it stands for none.
func FormatOf(name string) Format {
	switch ext(name) {
	case ".json", ".ndjson", ".jsonl":
		return FormatJSON
	case ".yaml", ".yml":
		return FormatYAML
	case ".txtpb", ".textproto", ".prototext", ".textpb":
		return FormatText
	case ".pb", ".bin", ".binpb":
		return FormatRaw
	}
	return FormatAuto
}

func ext(name string) string { return strings.ToLower(filepath.Ext(name)) }

// title is the name of a format in a sentence.
func (f Format) title() string {
	switch f {
	case FormatYAML:
		return "YAML"
	case FormatText:
		return "prototext"
	case FormatRaw:
		return "protobuf"
	case FormatCSV, FormatTSV:
		return strings.ToUpper(string(f))
	default:
		return "JSON"
	}
}
