package assist

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/usage"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/repl"
)

// Flags returns the flags of the commands.
func (a *Assistant) Flags() flags.Table {
	a.tableOnce.Do(func() { a.table = flags.Of(a.commands()) })
	return a.table
}

// IsCommand reports whether a word names a command.
func (a *Assistant) IsCommand(word string) bool { return usage.IsCommand(a.commands(), word) }

// NearCommands returns the commands and methods that a word may have been meant to be.
func (a *Assistant) NearCommands(word string) []string {
	var entries []complete.Entry
	for _, c := range a.commands().Commands() {
		entries = append(entries, complete.NewEntry(c.Name(), c.Name(), nil))
	}
	if ix := a.Index.Load(); ix != nil {
		entries = append(slices.Clone(entries), ix.Methods...)
	}
	hits, _ := complete.Search(entries, word, 2)
	var names []string
	for _, h := range hits {
		names = append(names, h.Full)
	}
	return names
}

// Complete returns what can stand at the cursor.
func (a *Assistant) Complete(l repl.Line) repl.Completion { return harmless(l, a.candidates(l)) }

// harmless leaves out candidates that would do more to a line than complete it, such as begin
// another statement. Whoever makes candidates quotes them, so there should be none; here it is
// checked for all of them.
func harmless(l repl.Line, c repl.Completion) repl.Completion {
	items, left := c.Items, 0
	c.Items = nil
	for _, item := range items {
		if !repl.Harmless(l.Text, l.Replace(c.From, l.Cursor, item.Text).Text) {
			left++
			continue
		}
		item.About = formatters.CleanLine(item.About)
		c.Items = append(c.Items, item)
	}
	if left > 0 {
		c.Note = unfit(left)
	}
	return c
}

// unfit says that candidates were left out, "" for none.
func unfit(n int) string {
	if n == 0 {
		return ""
	}
	return human.Count(n, "candidate") + " left out: what is in it cannot be typed here"
}

// candidates returns what can stand at the cursor.
func (a *Assistant) candidates(l repl.Line) repl.Completion {
	p := a.position(l)
	text := p.text()
	switch {
	case p.file:
		return p.files("")
	case strings.HasPrefix(text, "$"):
		return a.variables(p, text, 0)
	case strings.HasPrefix(text, "-") && len(p.words) > 0:
		return a.flags(p, text)
	case p.types && strings.HasPrefix(text, "@") && !strings.HasPrefix(text, "@type"):
		return p.files("@")
	case p.types && p.method == nil:
		return repl.Completion{Note: "what " + formatters.CleanLine(p.words[len(p.words)-1].Text) +
			" takes is not known"}
	case p.types:
		return a.message(p, text)
	case len(p.words) == 0:
		return a.firstWord(p, text)
	}
	return a.argument(p, text)
}

// message completes the request of a method.
func (a *Assistant) message(p position, text string) repl.Completion {
	if _, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(value, "$") {
		return a.variables(p, value, len(text)-len(value))
	}
	f, ok := a.locate(&p)
	if !ok {
		return repl.Completion{}
	}
	items := f.Candidates(p.line.After())
	return repl.Completion{From: p.word.Start + f.From, Items: items, Note: unfit(f.Unfit)}
}

// from makes a completion of the word at the cursor, without its first skip bytes.
func (p *position) from(skip int, items []repl.Candidate, more int) repl.Completion {
	return repl.Completion{From: p.word.Start + skip, Items: items, More: more}
}

// firstWord completes commands and methods.
func (a *Assistant) firstWord(p position, text string) repl.Completion {
	var items []repl.Candidate
	for _, c := range a.commands().Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), text) {
			items = append(items, repl.Candidate{Text: c.Name() + " ", About: c.Short})
		}
	}
	methods, more := a.methodNames(text, " ")
	return p.from(0, append(items, methods...), more)
}

// methodNames are the methods that match a text, each with tail behind it.
func (a *Assistant) methodNames(text, tail string) ([]repl.Candidate, int) {
	ix := a.Index.Load()
	if ix == nil {
		return nil, 0
	}
	hits, more := complete.Search(ix.Methods, text, complete.CandidateMax)
	if used := a.using(); used != "" { // those of the service in use first
		slices.SortStableFunc(hits, func(a, b complete.Hit) int {
			return boolOrder(strings.HasPrefix(b.Full, used+"."), strings.HasPrefix(a.Full, used+"."))
		})
	}
	var items []repl.Candidate
	for _, h := range hits {
		name := h.Typed
		if strings.Contains(text, ".") && !strings.HasPrefix(strings.ToLower(name), strings.ToLower(text)) {
			name = h.Full
		}
		about := complete.Signature(h.Method, a.env.Sign(" → ", " -> "))
		if c := complete.Comment(h.Method); c != "" {
			about += a.dot() + c
		}
		items = append(items, repl.Candidate{Text: name + tail, About: about})
	}
	return items, more
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// argument completes the words of a command.
func (a *Assistant) argument(p position, text string) repl.Completion {
	ix := a.Index.Load()
	switch name := p.words[0].Text; name {
	case "call":
		items, more := a.methodNames(text, " ")
		return p.from(0, items, more)
	case "list", "ls", "use":
		return p.from(0, ix.ServiceNames(text), 0)
	case "describe", "desc":
		items, more := a.methodNames(text, " ")
		return p.from(0, append(ix.ServiceNames(text), items...), more)
	case "fg", "wait", "cancel", "log":
		var items []repl.Candidate
		for _, job := range a.shell.Jobs() {
			items = complete.AppendMatch(items, text, fmt.Sprintf("%%%d ", job.Number), job.Name)
		}
		return p.from(0, items, 0)
	case "source", "save":
		return p.files("")
	case "set":
		return p.from(0, a.settingWords(text), 0)
	case "header":
		var items []repl.Candidate
		for _, h := range []string{"authorization: ", "x-request-id: ", "x-api-key: ", "accept-language: "} {
			items = complete.AppendMatch(items, text, h, "")
		}
		return p.from(0, items, 0)
	case "help":
		items := complete.AppendMatch(nil, text, "keys", "the keys of the prompt")
		for _, c := range a.commands().Commands() {
			items = complete.AppendMatch(items, text, c.Name(), c.Short)
		}
		return p.from(0, items, 0)
	case "unset":
		return a.variables(p, text, 0)
	}
	return repl.Completion{}
}

// settingWords are the settings whose names begin with a text or, behind a name, its values.
func (a *Assistant) settingWords(text string) []repl.Candidate {
	var items []repl.Candidate
	for _, name := range slices.Sorted(maps.Keys(a.settings)) {
		if values := a.settings[name]; strings.HasPrefix(text, name+"=") {
			for _, v := range values {
				items = complete.AppendMatch(items, text, name+"="+v, "")
			}
			continue
		}
		items = complete.AppendMatch(items, text, name+"=", strings.Join(a.settings[name], ", "))
	}
	return items
}

// flags completes the flags of a command.
func (a *Assistant) flags(p position, text string) repl.Completion {
	name := p.words[0].Text
	if !a.IsCommand(name) {
		name = "call"
	}
	c, _, err := a.commands().Find([]string{name})
	if err != nil {
		return repl.Completion{}
	}
	var items []repl.Candidate
	add := func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		tail := " "
		if f.NoOptDefVal == "" {
			tail = "="
		}
		items = complete.AppendMatch(items, text, "--"+f.Name+tail, f.Usage)
	}
	c.LocalFlags().VisitAll(add)
	c.InheritedFlags().VisitAll(add)
	return p.from(0, items, 0)
}

// files completes the name of a file behind a lead, which belongs to the word.
func (p *position) files(lead string) repl.Completion {
	path, typed := p.word.Text, p.text()
	if p.half || !strings.HasPrefix(typed, lead) {
		return repl.Completion{}
	}
	dir, base := filepath.Split(strings.TrimPrefix(path, lead))
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return repl.Completion{Note: formatters.CleanLine(err.Error())}
	}
	var items []repl.Candidate
	left := 0
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || strings.HasPrefix(name, ".") && base == "" {
			continue
		}
		tail, about := " ", ""
		if e.IsDir() {
			name, tail, about = name+"/", "", "folder"
		}
		word, ok := repl.QuoteFile(lead, dir, name)
		if !p.word.Raw || !repl.IsPlain(dir) && dir != "" {
			word, ok = repl.QuoteFile(lead, "", dir+name)
		}
		if !ok {
			left++
			continue
		}
		items = append(items, repl.Candidate{Text: word + tail, About: about})
	}
	c := p.from(0, items, 0)
	c.Note = unfit(left)
	return c
}

// variables completes $names and the fields of what they stand for.
func (a *Assistant) variables(p position, text string, skip int) repl.Completion {
	if dot := strings.LastIndexByte(text, '.'); dot > 0 {
		fields, err := a.shell.Fields(text[:dot])
		if err != nil {
			return repl.Completion{Note: formatters.CleanLine(err.Error())}
		}
		var items []repl.Candidate
		left := 0
		for _, f := range fields {
			if !strings.HasPrefix(f, text[dot+1:]) {
				continue
			}
			if !repl.IsPlain(f) || strings.ContainsAny(f, ".:,") {
				left++
				continue
			}
			items = append(items, repl.Candidate{Text: f})
		}
		c := p.from(skip+dot+1, items, 0)
		c.Note = unfit(left)
		return c
	}
	var items []repl.Candidate
	results := a.shell.Results()
	if len(results) > 0 {
		items = complete.AppendMatch(items, text, "$_", "the last answer")
	}
	for _, name := range a.shell.Variables() {
		items = complete.AppendMatch(items, text, "$"+name, "")
	}
	for _, r := range slices.Backward(results) {
		items = complete.AppendMatch(items, text, fmt.Sprintf("$%d", r.Number), r.Name)
	}
	return p.from(skip, items, 0)
}
