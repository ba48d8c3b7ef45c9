// Package outfile writes files that are complete or not there: a File is written under
// another name beside its own and renamed at the end.
package outfile
