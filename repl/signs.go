package repl

// This file holds the texts to which the prompt gives a meaning of its own. Text from outside
// must not contain them; see showable.

// Redacted stands where a secret was.
const Redacted = "‹redacted›"

// holeSigns begin and end a hole.
const holeSigns = "‹›"

// pasteMark begins the placeholder of a long paste.
const pasteMark = "[paste "

// noSeparator is a character that no text contains: with it as the separator, go-prompt
// replaces everything before the cursor.
const noSeparator = "\ue000"
