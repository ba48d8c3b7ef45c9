// Package othershells completes command lines in bash, zsh, fish and PowerShell. It never fails:
// where nothing is known, nothing is offered.
package othershells

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/repl"
)

// Limit is how long a completion may ask the server for what is not
// remembered of it.
const Limit = 300 * time.Millisecond

// maxOffered is how many names are offered one by one. Beyond that, the packages and
// services that they are in are.
const maxOffered = 400

// An Offer is what a word may become.
type Offer struct {
	Text, About string
	open        bool // the word goes on: no blank follows it
}

// A wordKind is what a word of a command stands for.
type wordKind uint8

const (
	wordMethod wordKind = iota
	wordService
	wordSymbol
	wordMessageType
)

// completeName offers names of the schema. The schema is asked until ctx ends.
func completeName(ctx context.Context, s *session.Session, kind wordKind, partial string) []Offer {
	source, err := s.Source(ctx)
	if err != nil {
		return nil
	}
	services, err := source.Services(ctx)
	if err != nil {
		return nil
	}
	s.Refresh(ctx)
	var offers []Offer
	switch kind {
	case wordService:
		offers = suffixOffers(complete.AsNames(services), partial)
	case wordMethod:
		methods, rest := discovery.KnownMethods(ctx, source, services)
		offers = suffixOffers(methods, partial)
		for _, r := range rest { // the methods of these services were not known in time
			offers = append(offers, prefixed(string(r)+"/", partial, true)...)
		}
	case wordSymbol:
		methods, _ := discovery.KnownMethods(ctx, source, services)
		for i, m := range methods {
			methods[i] = strings.Replace(m, "/", ".", 1)
		}
		names := slices.Concat(complete.AsNames(services), methods, complete.AsNames(discovery.Known(source)))
		offers = suffixOffers(names, partial)
	case wordMessageType:
		offers = suffixOffers(complete.AsNames(discovery.Known(source)), partial)
	}
	return offers
}

// suffixOffers offers the shortest end of each name that begins with what was typed
// and leads to that name alone. With nothing typed, names are whole.
func suffixOffers(names []string, partial string) []Offer {
	var found, ends []string
	for _, n := range names {
		if end, ok := endThatBegins(n, partial); ok {
			found, ends = append(found, n), append(ends, end)
		}
	}
	var offers []Offer
	if len(ends) > maxOffered {
		offers, ends = grouped(ends, len(partial)), nil
	}
	spelled := map[string][]string{} // the names that share an end
	for i, end := range ends {
		spelled[end] = append(spelled[end], found[i])
	}
	for end, of := range spelled {
		switch {
		case len(of) == 1 && end != of[0]:
			offers = append(offers, Offer{Text: end, About: of[0]})
		case len(of) == 1:
			offers = append(offers, Offer{Text: end})
		default: // only the whole names differ
			for _, n := range of {
				offers = append(offers, Offer{Text: n})
			}
		}
	}
	slices.SortFunc(offers, func(a, b Offer) int { return cmp.Compare(a.Text, b.Text) })
	return slices.CompactFunc(offers, func(a, b Offer) bool { return a.Text == b.Text })
}

// endThatBegins returns the longest end of a name, from the beginning of one of its
// parts, that begins with what was typed. A method may be typed with a dot in place
// of its slash.
func endThatBegins(name, partial string) (string, bool) {
	dotted := ""
	if slash := strings.IndexByte(name, '/'); slash >= 0 && !strings.Contains(partial, "/") {
		dotted = name[:slash] + "." + name[slash+1:]
	}
	for start := 0; ; {
		if strings.HasPrefix(name[start:], partial) {
			return name[start:], true
		}
		if dotted != "" && strings.HasPrefix(dotted[start:], partial) {
			return dotted[start:], true
		}
		next := strings.IndexAny(name[start:], "./")
		if next < 0 {
			return "", false
		}
		start += next + 1
	}
}

// grouped offers what names have in common up to their next part, which goes on.
func grouped(names []string, typed int) []Offer {
	seen := map[string]bool{}
	var groups []Offer
	for _, n := range names {
		next := strings.IndexAny(n[typed:], "./")
		group := n[:typed+next+1]
		if next < 0 {
			group = n
		}
		if !seen[group] {
			seen[group] = true
			groups = append(groups, Offer{Text: group, open: next >= 0})
		}
	}
	return groups
}

func prefixed(text, partial string, open bool) []Offer {
	if !strings.HasPrefix(text, partial) {
		return nil
	}
	return []Offer{{Text: text, open: open}}
}

// completeMessage offers field=value words, and files behind an @.
func completeMessage(
	ctx context.Context, s *session.Session, now func() time.Time, words []string, partial string,
) []Offer {
	if file, ok := strings.CutPrefix(partial, "@"); ok && !strings.HasPrefix(partial, "@type") {
		return CompleteFile("@", file)
	}
	source, err := s.Source(ctx)
	if err != nil {
		return nil
	}
	m, err := discovery.FindMethod(ctx, source, words[0])
	if err != nil {
		return nil
	}
	s.Refresh(ctx)
	r := &complete.Request{Method: m, Words: words[1:], Now: now, Plain: true}
	if strings.Contains(strings.Join(words, " ")+partial, "@type") {
		r.Types = servedTypes(ctx, source)
	}
	return FieldOffers(r, partial)
}

// servedTypes are the messages in the files of all services, as far as they are known in time.
func servedTypes(ctx context.Context, source discovery.Source) complete.MessageTypes {
	types, seen := complete.MessageTypes{}, map[string]bool{}
	services, err := source.Services(ctx)
	if err != nil {
		return nil
	}
	for _, name := range services {
		if d, err := source.Find(ctx, name); err == nil {
			types.Add(d.ParentFile(), seen)
		}
	}
	return types
}

// FieldOffers offers what a word of a request may become: as the shell does.
func FieldOffers(r *complete.Request, partial string) []Offer {
	r.Whole = partial
	f := r.Locate(partial)
	var offers []Offer
	for _, c := range f.Candidates("") {
		text := partial[:f.From] + c.Text
		offers = append(offers, Offer{Text: text, About: c.About, open: strings.HasSuffix(text, "=") ||
			strings.HasSuffix(text, ".") || strings.HasSuffix(text, "[")})
	}
	return offers
}

// CompleteFile offers files and folders behind a lead that the shell knows nothing
// of.
func CompleteFile(lead, partial string) []Offer {
	dir, base := filepath.Split(partial)
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	var offers []Offer
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || base == "" && strings.HasPrefix(name, ".") {
			continue
		}
		if e.IsDir() {
			name += string(filepath.Separator)
		}
		offers = append(offers, Offer{Text: lead + dir + name, open: e.IsDir()})
	}
	return offers
}

// InAnyShell reports whether a word means itself in every shell that completes with
// what rpcctl offers, quoted or not: they quote less than they should. bash puts what
// several candidates have in common into the line as it is, and the line may be entered.
// What needs no quotes at our own prompt needs none there, with two exceptions: a word that
// begins with = is the path of a program to zsh, and brackets, which are patterns here, are
// parts of paths that match no file there.
func InAnyShell(word string) bool {
	signs := []string{"[", "", "]", ""}
	if filepath.Separator == '\\' { // on Windows the shells are others
		signs = append(signs, `\`, "")
	}
	rest := strings.NewReplacer(signs...).Replace(word)
	return !strings.HasPrefix(word, "=") && (rest == "" || repl.IsPlain(rest))
}

// Candidates is what cobra wants of offers. Names from outside that a shell could
// take for something else are left out.
func Candidates(offers []Offer) ([]string, cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp
	var texts []string
	for _, o := range offers {
		if !InAnyShell(o.Text) {
			continue
		}
		if o.open {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		if o.About != "" {
			o.Text += "\t" + formatters.CleanLine(o.About)
		}
		texts = append(texts, o.Text)
	}
	return texts, directive
}

// completeWith makes a function for cobra of one that offers words.
func completeWith(
	a *app.App, offers func(ctx context.Context, s *session.Session, words []string, partial string) []Offer,
) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, words []string, partial string) ([]string, cobra.ShellCompDirective) {
		a.Globals.Unattended(c.Flags())
		parent := c.Context()
		if parent == nil {
			parent = context.Background()
		}
		ctx, cancel := context.WithTimeout(parent, Limit)
		defer cancel()
		if a.Globals.LoadContext(c.Flags()) != nil || a.Configure(ctx, c.Flags()) != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		s := a.Session.Settings()
		s.NoComments = true
		a.Session.Configure(s)
		return Candidates(offers(ctx, a.Session, words, partial))
	}
}

// PlainUsages removes from the usages of flags the marks that help understands and a shell would
// show.
func PlainUsages(c *cobra.Command) {
	plain := func(f *pflag.Flag) { f.Usage = strings.ReplaceAll(f.Usage, "`", "") }
	c.Flags().VisitAll(plain)
	c.PersistentFlags().VisitAll(plain)
	for _, sub := range c.Commands() {
		PlainUsages(sub)
	}
}

// Add gives the commands and flags of a tree their completion.
func Add(a *app.App, root *cobra.Command, contextNames func(*app.App) []string) {
	names := func(kind wordKind, most int) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return completeWith(a, func(ctx context.Context, s *session.Session, words []string, partial string) []Offer {
			if most >= 0 && len(words) >= most {
				return nil
			}
			return completeName(ctx, s, kind, partial)
		})
	}
	for _, c := range root.Commands() {
		switch c.Name() {
		case "call":
			c.ValidArgsFunction = completeWith(a,
				func(ctx context.Context, s *session.Session, words []string, partial string) []Offer {
					if len(words) == 0 {
						return completeName(ctx, s, wordMethod, partial)
					}
					return completeMessage(ctx, s, a.Env.Now, words, partial)
				})
		case "list", "health":
			c.ValidArgsFunction = names(wordService, 1)
		case "describe", "export":
			c.ValidArgsFunction = names(wordSymbol, -1)
		case "convert":
			c.ValidArgsFunction = names(wordMessageType, 1)
		}
		completeFlags(c, c.Flags()) // its own; LocalFlags would merge in those of every command above
	}
	completeFlags(root, root.PersistentFlags())
	if root.PersistentFlags().Lookup("context") != nil {
		// An error means that a flag is completed twice, which a test finds.
		_ = root.RegisterFlagCompletionFunc("context",
			func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				var offers []Offer
				for _, name := range contextNames(a) {
					offers = append(offers, Offer{Text: name})
				}
				return Candidates(offers)
			})
	}
}

// completeFlags gives flags that take one of a few words, or a kind of file, their
// completion.
func completeFlags(c *cobra.Command, set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		var complete func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective)
		switch {
		case f.Name == "output" && c.Name() == "call" || f.Name == "output" && c.Name() == "convert":
			complete = fixed(output.FormatNames())
		case f.Name == "proto":
			complete = extensions("proto")
		case f.Name == "protoset":
			complete = extensions("binpb", "protoset", "pb", "bin", "desc", "set")
		case f.Name == "import-path" || f.Name == "proto-out-dir" || f.Name == "cert-dir":
			complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		case f.Name == "addr":
			complete = fixed("demo:")
		default:
			choice, ok := f.Value.(*flags.Choice)
			if !ok {
				return
			}
			complete = fixed(strings.Join(choice.Allowed, ", "))
		}
		// An error means that a flag is completed twice, which a test finds.
		_ = c.RegisterFlagCompletionFunc(f.Name, complete)
	})
}

func fixed(words string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return cobra.FixedCompletions(strings.Split(words, ", "), cobra.ShellCompDirectiveNoFileComp)
}

func extensions(names ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names, cobra.ShellCompDirectiveFilterFileExt
	}
}
