// Package problem words what went wrong: it turns errors into messages, hints and exit
// codes. Libraries return typed errors; a Reporter prints them, and Code is the exit code.
// Kinds of errors that only the command line has are here as well.
package problem
