//go:build !race

package cmd_test

// raceEnabled tells that the race detector slows everything down.
const raceEnabled = false
