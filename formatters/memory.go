package formatters

import "github.com/rpcctl/rpcctl/formatters/internal/memory"

// A BulkError is a message that is not printed in a way that needs all of it in memory.
// JSON alone is printed without that. Its As is the format, or what else it is printed as.
type BulkError = memory.Error
