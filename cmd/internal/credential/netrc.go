package credential

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke"
)

// maxNetrc is the greatest size of a netrc file, in bytes.
const maxNetrc = 1 << 20

// netrcAuth returns the value of authorization for a target from the user's netrc file.
func netrcAuth(ctx context.Context, env *env.Env, t *invoke.Target) (string, error) {
	if t == nil {
		return "", nil // nothing will be called
	}
	host := t.Host()
	if host == "" {
		return "", problem.Usage(fmt.Errorf("--netrc: the target %s has no host", t), "")
	}
	path := env.Getenv("NETRC")
	if path == "" {
		home := env.Getenv("HOME")
		name := ".netrc"
		if runtime.GOOS == "windows" {
			home, name = env.Getenv("USERPROFILE"), "_netrc"
		}
		if home == "" {
			return "", problem.Usage(errors.New("--netrc: there is no home folder"),
				"name the file with the environment variable NETRC")
		}
		path = filepath.Join(home, name)
	}
	text, err := boundfile.Read(ctx, path, maxNetrc)
	if err != nil {
		return "", problem.FlagFile("--netrc", err)
	}
	login, password, ok := findNetrc(string(text), host)
	if !ok {
		return "", problem.Usage(fmt.Errorf("--netrc: %s has no entry for %q", path, host), "")
	}
	if login == "" || password == "" {
		return "", problem.Usage(fmt.Errorf("--netrc: the entry for %q in %s has not both a login and a password", host,
			path), "")
	}
	return basic(login, password), nil
}

// findNetrc returns the login and password for a host from the text of a netrc file. The file
// is a list of words, separated by white space or in double quotes: machine NAME or default
// begins an entry, which login NAME, password WORD and account WORD follow; macdef is
// followed by lines up to an empty one. The first entry of the host counts, and default
// counts for every host that has none before it.
func findNetrc(text, host string) (login, password string, found bool) {
	words := netrcWords(text)
	inEntry := false
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch word {
		case "machine", "default":
			if inEntry {
				return login, password, true
			}
			inEntry = word == "default"
			if word == "machine" && len(words) > 0 && words[0] != nextEntry {
				inEntry = strings.EqualFold(words[0], host)
				words = words[1:]
			}
		case "login", "password", "account":
			if len(words) == 0 || words[0] == nextEntry {
				break // its value is missing, and what follows is another entry's
			}
			if inEntry && word == "login" {
				login = words[0]
			} else if inEntry && word == "password" {
				password = words[0]
			}
			words = words[1:]
		case nextEntry:
		}
	}
	return login, password, inEntry
}

// nextEntry is put before a machine or default that begins a line, where no value can
// continue. It cannot be a word of a file, as no word contains a line feed.
const nextEntry = "\n"

// netrcWords splits a netrc file into words, and leaves out macros and comments.
func netrcWords(text string) []string {
	var words []string
	inMacro := false
	for line := range strings.Lines(text) {
		fields := netrcFields(line)
		if len(fields) == 0 {
			inMacro = false
			continue
		}
		if inMacro {
			continue
		}
		if fields[0] == "machine" || fields[0] == "default" {
			words = append(words, nextEntry)
		}
		for i, f := range fields {
			comment := strings.HasPrefix(f, "#") && (i == 0 || !takesWord(fields[i-1]))
			if comment {
				break
			}
			if f == "macdef" && (i == 0 || !takesWord(fields[i-1])) {
				inMacro = true
				break
			}
			words = append(words, f)
		}
	}
	return words
}

// netrcFields splits a line of a netrc file into words.
func netrcFields(line string) []string {
	var fields []string
	for {
		line = strings.TrimLeft(line, " \t\r\n\v\f")
		if line == "" {
			return fields
		}
		word, rest, ok := netrcQuoted(line)
		if !ok {
			end := strings.IndexAny(line, " \t\r\n\v\f")
			if end < 0 {
				end = len(line)
			}
			word, rest = line[:end], line[end:]
		}
		fields, line = append(fields, word), rest
	}
}

// netrcQuoted cuts a word in double quotes off the front of a line. In it a backslash escapes
// a quote or a backslash, or makes one of \n, \r, \t. ok is false when the line does not
// begin with a quote or the quote is not closed: then it is part of a plain word.
func netrcQuoted(line string) (word, rest string, ok bool) {
	if line[0] != '"' {
		return "", line, false
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			return b.String(), line[i+1:], true
		case c == '\\' && i+1 < len(line):
			i++
			if at := strings.IndexByte("nrt", line[i]); at >= 0 {
				b.WriteByte("\n\r\t"[at])
				continue
			}
			b.WriteByte(line[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", line, false
}

// takesWord reports whether the word after w is its value, whatever it looks like.
func takesWord(w string) bool {
	switch w {
	case "machine", "login", "password", "account":
		return true
	}
	return false
}
