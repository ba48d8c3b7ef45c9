//go:build race

package transcode

// raceEnabled is true under the race detector, which makes a pool forget at random.
const raceEnabled = true
