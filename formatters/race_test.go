//go:build race

package formatters

const raceDetector = true
