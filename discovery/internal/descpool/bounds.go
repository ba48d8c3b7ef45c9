package descpool

import "fmt"

// The bounds of all files of a source, and of what one lookup builds. The largest public
// schemas reach a tenth of these.
const (
	MaxFiles        = 50_000
	MaxBytes        = 256 << 20
	maxLookupWeight = 1_500_000 // weight of the files that one lookup builds
	MaxWeight       = 8_000_000 // weight of all files that are built
	MaxServerWeight = 2_000_000 // weight of all files that are built from what a server sends
	maxImportDepth  = 1_000     // length of a chain of imports
	maxPublicPaths  = 10_000    // ways from a file along public imports
)

// The bounds of what one lookup may bring from a server.
const (
	maxLookupFiles = 20_000
	maxLookupBytes = 64 << 20
)

var errTooWide = fmt.Errorf(
	"it and what it imports have more than %d declarations, options and comments, the limit of one lookup",
	maxLookupWeight)
