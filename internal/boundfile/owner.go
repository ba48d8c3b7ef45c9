package boundfile

// A ForeignError is a file that is not read for whose it is.
type ForeignError struct {
	Path string
	Why  string
}

func (e *ForeignError) Error() string { return e.Path + " is not read: " + e.Why }

// Foreign tells whether a file that nobody named, but that was found, is one that the user would
// read: not when it, or the link to it, belongs to another user, or others may write to it. Files
// of root are accepted, and so is write access for the user's own group. The file may be for a
// folder: whoever owns that one, or may replace what is in it, has its say there anyway. A folder
// of "" is none. Nil is a file to read, or none at all.
func Foreign(path, folder string) *ForeignError {
	if why := foreign(path, folder); why != "" {
		return &ForeignError{path, why}
	}
	return nil
}
