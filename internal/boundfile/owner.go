package boundfile

// A ForeignError is a file that is not read because of its owner, or of who may write to it.
type ForeignError struct {
	Path string
	Why  string
}

func (e *ForeignError) Error() string { return e.Path + " is not read: " + e.Why }

// Foreign returns an error for a file that was found and not named, when it, or the link to
// it, belongs to another user, or when others may write to it. Files of root are accepted, and
// so is write access for the user's own group. A file that belongs to a folder may also have
// the folder's owner, and those who may replace files of the folder may write to it. A folder
// of "" means none. The error is nil for a file to read, and for one that is not there.
func Foreign(path, folder string) *ForeignError {
	if why := foreign(path, folder); why != "" {
		return &ForeignError{path, why}
	}
	return nil
}
