package repl

import "testing"

// Whatever is pressed in whatever text, the cursor stays in the text, between two characters.
func FuzzHoleKeys(f *testing.F) {
	f.Add(`Call {"a": ‹int32›, "l": [‹string›], "m": {‹string key›: ‹x …›}}`, "tabxjkd<>u")
	f.Add("Call {\n  \"a\": ‹string›\n}", "tx\"tsdl")
	f.Add("‹x›{‹", "sstt")
	keys := map[byte]event{
		't': {key: "Tab"}, 's': {key: "S-Tab"}, 'k': {key: "Up"}, 'j': {key: "Down"}, 'd': {key: "C-d"}, 'l': {key: "Right"}, 'h': {key: "Left"},
		'b': {key: "Backspace"}, 'e': {key: "Delete"}, 'u': {key: "C-_"}, 'p': {key: keyPaste, text: "a\n\"b\""},
	}
	f.Fuzz(func(t *testing.T, text, pressed string) {
		e := &Editor{parser: newParser(nil, nil), Screen: &Screen{}, opts: Options{
			History: &History{},
			Quoted:  func(hole string) bool { return len(hole)%2 == 0 },
			Unfold:  func(Line) (string, bool) { return "{\n  \"a\": ‹b›\n}", len(text)%3 == 0 },
		}}
		e.line = Line{text, len(text)}
		for i := range len(pressed) {
			ev, ok := keys[pressed[i]]
			if !ok {
				ev = event{text: pressed[i : i+1]}
			}
			if ev.key == "C-d" && e.line.Text == "" {
				continue // it leaves, for which there is no terminal
			}
			e.handle(ev)
			if e.line.Cursor < 0 || e.line.Cursor > len(e.line.Text) {
				t.Fatalf("after %q the cursor is at %d of %q", pressed[:i+1], e.line.Cursor, e.line.Text)
			}
		}
	})
}
