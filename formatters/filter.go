package formatters

import "github.com/rpcctl/rpcctl/formatters/internal/jq"

// A Filter is a compiled jq program (https://jqlang.org/manual/, in the dialect of gojq). It is
// safe for concurrent use.
type Filter = jq.Filter

// A FilterError is a jq program that does not parse, or that failed on a message.
type FilterError = jq.Error

// ParseFilter compiles a jq program. The error is a *FilterError.
func ParseFilter(program string) (*Filter, error) { return jq.Parse(program) }
