package shell

import (
	"encoding/json"
	"strings"

	"github.com/rpcctl/rpcctl/repl"
)

// reveal replaces each repl.Redacted in a word by a secret that the user was asked for.
func (l *line) reveal(start int, text string) string {
	document := strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") || strings.Contains(text, ":=") ||
		strings.Contains(text, "={")
	for _, secret := range l.secrets[start] {
		if document {
			if quoted, err := json.Marshal(secret); err == nil {
				secret = string(quoted[1 : len(quoted)-1])
			}
		}
		text = strings.Replace(text, repl.Redacted, secret, 1)
	}
	return text
}

// conceal masks in a text to print the secrets that were asked for.
func (l *line) conceal(text string) string {
	for _, of := range l.secrets {
		for _, secret := range of {
			text = strings.ReplaceAll(text, secret, repl.Redacted)
		}
	}
	return text
}
