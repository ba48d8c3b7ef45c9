//go:build !unix && !windows

package config

import "os"

// tryLock takes no lock: this system has none.
func tryLock(*os.File) (bool, error) { return true, nil }
