// Package cmd is the command line: it defines the command tree, turns arguments
// into plans, runs them, and turns errors into messages and exit codes. Its
// entry points are Main, for a process, and Run, for everything else.
package cmd
