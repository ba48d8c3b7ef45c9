// Package env is the outside world of one command: its streams and what is known of the
// terminal, the environment, the clock, and the folders of the user. Its main type is Env.
package env
