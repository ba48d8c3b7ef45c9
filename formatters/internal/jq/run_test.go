package jq

import (
	"runtime"
	"testing"
	"time"
)

// What is taken while a result is printed is not taken by the program.
func TestMemoryOfAResultInUse(t *testing.T) {
	f, err := Parse(`1, last(range(1e6))`)
	if err != nil {
		t.Fatal(err)
	}
	err = f.Each(t.Context(), []byte(`{}`), testHeld, func(any) error {
		// It stays for a while, as garbage, when this result has been used.
		taken := make([]byte, 3*maxMemory)
		<-time.After(4 * unwatched) // it is looked at meanwhile
		runtime.KeepAlive(taken)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
