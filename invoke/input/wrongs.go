package input

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxFaults is how many faults are reported at once.
const maxFaults = 5

// wrongs gathers the faults of words, so that all are reported at once.
type wrongs struct{ e *Error }

// add adds the error of a word. It returns an error of another kind, which is reported alone.
func (w *wrongs) add(err error) error {
	e, ok := err.(*Error)
	if !ok || e.Err != nil {
		return err
	}
	if w.e == nil {
		one := *e
		w.e, one.Faults = &one, nil
	}
	for _, f := range e.Faults {
		if f.Origin == "" {
			f.Origin = e.Origin
		}
		w.e.Faults = append(w.e.Faults, f)
	}
	return nil
}

// err returns what was gathered, in the order of the words, or nil.
func (w *wrongs) err() error {
	if w.e == nil {
		return nil
	}
	slices.SortStableFunc(w.e.Faults, func(a, b Fault) int { return a.Part - b.Part })
	w.e.Faults = w.e.Faults[:min(len(w.e.Faults), maxFaults)]
	w.e.Part, w.e.Origin = w.e.Faults[0].Part, w.e.Faults[0].Origin
	for i := range w.e.Faults {
		if f := &w.e.Faults[i]; f.Origin == w.e.Origin {
			f.Origin = ""
		}
	}
	return w.e
}

// apply applies a word to a message, and gathers its faults.
func (w *wrongs) apply(c *change, m protoreflect.Message, on *word) error {
	if w.depends(on) {
		return nil
	}
	err := c.apply(m, on)
	if err != nil {
		err = w.add(err)
	}
	return err
}

// depends reports whether a fault of a word may only follow from an earlier one: both are
// about elements of the same list.
func (w *wrongs) depends(on *word) bool {
	list, ok := listOf(on.part.Text)
	if w.e == nil || !ok {
		return false
	}
	return slices.ContainsFunc(w.e.Faults, func(f Fault) bool {
		other, ok := listOf(f.Text)
		return ok && other == list
	})
}

// listOf is what stands before the first bracket of a word's path.
func listOf(text string) (string, bool) {
	path, _, _ := strings.Cut(text, "=")
	list, _, ok := strings.Cut(path, "[")
	return list, ok
}
