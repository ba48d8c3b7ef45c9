package palette

import (
	"os"
	"testing"

	"golang.org/x/sys/windows"
)

// The bytes are the same whether the console understands them or not: the library switches
// that on, and whoever calls New and NewScreen decides.
func TestConsoleModes(t *testing.T) {
	f, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this process has no console: ", err)
	}
	defer f.Close()
	console := windows.Handle(f.Fd())
	var before uint32
	if err := windows.GetConsoleMode(console, &before); err != nil {
		t.Fatal(err)
	}
	defer windows.SetConsoleMode(console, before)
	const understood = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	for name, mode := range map[string]uint32{"on": before | understood, "off": before &^ understood} {
		t.Run(name, func(t *testing.T) {
			if err := windows.SetConsoleMode(console, mode); err != nil {
				t.Fatal(err)
			}
			check(t)
		})
	}
}
