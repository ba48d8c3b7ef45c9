package jq

import (
	"runtime"
	"testing"
	"time"
)

// Memory that is used while a result is printed does not count for the program.
func TestMemoryOfAResultInUse(t *testing.T) {
	f, err := Parse(`1, last(range(1e6))`)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Each(t.Context(), []byte(`{}`), testHeld, func(any) error {
		// Memory that is allocated while this result is used stays for a while, as garbage.
		taken := make([]byte, 3*maxMemory)
		<-time.After(4 * unwatched) // it is looked at meanwhile
		runtime.KeepAlive(taken)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
