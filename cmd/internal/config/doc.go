// Package config reads and writes named contexts: where calls go, how, and who
// calls, under a name. They live in one YAML file of the user's and in project
// files; what a file has that is not known here is kept. The main type is Store.
package config
