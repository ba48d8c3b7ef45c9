// Package signals says what the signals of a terminal mean on this system.
package signals
