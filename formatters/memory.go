package formatters

import "github.com/rpcctl/rpcctl/formatters/internal/memory"

// A BulkError is the error for a message too large for a format that needs all of it in memory,
// as every format but JSON does. Its As is the format, or what else it was to be printed as.
type BulkError = memory.Error
