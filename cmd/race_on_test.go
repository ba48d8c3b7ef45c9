//go:build race

package cmd_test

// raceEnabled says whether the race detector slows everything down.
const raceEnabled = true
