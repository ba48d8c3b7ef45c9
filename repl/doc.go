// Package repl reads statements from a person: it edits, completes, recalls and draws them,
// and splits them into words. It knows nothing of calls: the functions in [Options] say what a
// word means. Its main type is [Editor].
//
// # How it sits on go-prompt
//
// The loop, the text buffer and the menu are go-prompt's. Input and output are ours, by the
// two interfaces of go-prompt:
//
//   - A parser reads the terminal, splits the bytes into keys, texts and pastes, and hands
//     go-prompt a chunk that cannot be typed. That chunk is bound to a function, which takes
//     the keys from the parser's queue and does what they mean. So a key means what keys.go
//     says, and go-prompt's own meaning of it is never met.
//   - A screen takes go-prompt's frames apart as they are written (prompt, text, menu rows)
//     and draws them itself: with several lines, any width of window, colours, a hint below
//     and a ghost behind. go-prompt is told that the window has no end.
//
// The two meet in one rule. Once the parser has handed out its chunk, it hands out nothing
// more until the function has run; and after a key that ends the prompt, nothing until the
// next prompt. Otherwise text that is typed ahead overtakes an Enter, and go-prompt waits for
// a reader that waits for a key.
package repl
