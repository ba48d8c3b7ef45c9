// Package fanout makes many calls: one for each request of a list, a bounded number of them at
// a time. Its main type is [Run].
//
// Requests are begun in the order of the list, so that those that were never sent are always
// the end of it. Results are handed on in that order, too, or as they come. Memory does not
// grow with the list: a bounded number of calls may be ahead of the one whose turn it is, and
// what they keep is bounded in bytes.
package fanout
