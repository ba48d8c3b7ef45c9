package descpool

import (
	"testing"

	"github.com/rpcctl/rpcctl/discovery/internal/nameindex"
)

// The greatest number of a file fits into an entry.
func TestFilesFitIntoTheNameIndex(t *testing.T) {
	if MaxFiles > 1<<nameindex.FileBits {
		t.Errorf("%d files need more than %d bits", MaxFiles, nameindex.FileBits)
	}
}
