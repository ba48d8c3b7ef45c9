//go:build !linux

package cmd_test

// peakOfProcess is for Linux, which TestBombs is for.
func peakOfProcess() {}
