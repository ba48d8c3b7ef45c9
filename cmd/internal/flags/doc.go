// Package flags has the kinds of values that flags take, such as Seconds and Choice,
// and reads command lines in which flags stand anywhere among the words. It knows
// cobra, and nothing of what any flag means.
package flags
