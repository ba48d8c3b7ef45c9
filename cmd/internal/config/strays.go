package config

import (
	"os"
	"path/filepath"
)

// Strays returns the settings of a project file that lead out of its folder, links
// resolved, or to what is neither a plain file nor a folder: a pipe, a device, standard
// input. The file has to be trusted to have such a thing read.
func (c *Context) Strays() []Setting {
	dir, err := filepath.EvalSymlinks(filepath.Dir(c.File.Path))
	if err != nil {
		return nil // it was there a moment ago: nothing in it can be read either
	}
	var strays []Setting
	for _, s := range c.Settings {
		if k, _ := FindKey(s.Key); k.Kind != Path && k.Kind != Paths {
			continue
		}
		for _, v := range s.Values {
			if leadsOut(dir, v) {
				strays = append(strays, s)
				break
			}
		}
	}
	return strays
}

// leadsOut reports whether a path that a file in dir names leads elsewhere.
func leadsOut(dir, path string) bool {
	if !filepath.IsLocal(path) || path == "-" {
		return true
	}
	real, err := filepath.EvalSymlinks(filepath.Join(dir, path))
	if err != nil {
		return !os.IsNotExist(err) // what is not there is looked for below the folder alone
	}
	below, err := filepath.Rel(dir, real)
	if err != nil || !filepath.IsLocal(below) {
		return true
	}
	info, err := os.Stat(real)
	return err != nil || !info.Mode().IsRegular() && !info.IsDir()
}
