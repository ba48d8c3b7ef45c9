package discovery

import "testing"

// The greatest number of a file fits into an entry.
func TestFilesFitIntoTheNameIndex(t *testing.T) {
	if maxFiles > 1<<fileBits {
		t.Errorf("%d files need more than %d bits", maxFiles, fileBits)
	}
}
