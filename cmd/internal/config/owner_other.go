//go:build !unix

package config

// foreign tells why a project file is not one that the user would read. This system does not
// say whose a file is in that way.
func foreign(string) string { return "" }
