package input

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rpcctl/rpcctl/internal/secret"
)

// maxSearched is the size of the greatest document that is searched for secrets as a whole, in
// bytes. Of a larger one only the line with the fault is searched.
const maxSearched = 1 << 20

// A span is a part of a text.
type span = [2]int

// conceal takes the secrets out of the excerpts, the problems and the suggestions of an error.
// Other errors it returns as they are. Concealing twice has the same result.
func (o *Options) conceal(err error) error {
	var e *Error
	if o.Secrets == nil || !errors.As(err, &e) {
		return err
	}
	for i := range e.Faults {
		f := &e.Faults[i]
		o.hide(f, o.Secrets(f.Text))
		if f.Also != nil {
			hidden := f.Also.hide(o.Secrets(f.Also.Text))
			f.Problem = masked(f.Problem, hidden)
		}
	}
	return err
}

// secretPath reports whether the values of a field are secret.
func (o *Options) secretPath(path string) bool { return path != "" && len(o.Secrets(path+"=x")) > 0 }

// lineSecrets are the secrets in an excerpt alone. When the line was cut, the text before the
// fault may be the end of a value.
func (o *Options) lineSecrets(p *Place) []span {
	spans := o.Secrets(p.Text)
	if p.CutLeft {
		spans = append(spans, span{0, p.Start})
	}
	return spans
}

// within are the secrets of a document that are in the excerpt of a place, whose offset is
// still the one in the document.
func within(spans []span, p *Place, offset int64) (in []span) {
	shift := int(offset) - p.Start
	for _, s := range spans {
		from, to := max(s[0]-shift, 0), min(s[1]-shift, len(p.Text))
		if from < to {
			in = append(in, span{from, to})
		}
	}
	return in
}

// hide takes secrets out of a fault: spans of its excerpt and, of a secret field, the value
// and all that the problem quotes. Text behind a name that may have been meant to be a secret
// one is secret, too.
func (o *Options) hide(f *Fault, spans []span) {
	isSecret := o.secretPath(f.Path)
	switch {
	case isSecret && len(spans) == 0:
		line := strings.TrimLeft(f.Text, whiteSpace)
		spans = []span{{len(f.Text) - len(line), len(f.Text)}}
	case isSecret && f.Start < f.End:
		spans = append(spans, span{f.Start, f.End})
	case o.secretPath(f.Suggestion) && f.End < len(f.Text):
		spans = append(spans, span{f.End, len(f.Text)})
	}
	marked := f.Text[f.Start:f.End]
	within := covered(spans, f.Start) > f.Start
	hidden := f.Place.hide(spans)
	if within {
		hidden = append(hidden, marked)
	}
	f.Problem, f.Suggestion = masked(f.Problem, hidden), masked(f.Suggestion, hidden)
	if isSecret {
		quoted := regexp.MustCompile(`"(?:[^"\\]|\\.)*(?:"|$)`) // to the end when it was cut
		f.Problem = quoted.ReplaceAllLiteralString(f.Problem, strconv.Quote(secret.Mask))
	}
}

// hide puts secret.Mask in the place of parts of the excerpt, and returns what was there.
func (p *Place) hide(spans []span) (hidden []string) {
	if len(spans) == 0 {
		return nil
	}
	var b strings.Builder
	start, end := -1, -1
	for i := 0; i <= len(p.Text); {
		if i >= p.Start && start < 0 {
			start = b.Len()
		}
		if i >= p.End && end < 0 {
			end = b.Len()
		}
		if i == len(p.Text) {
			break
		}
		to := covered(spans, i)
		if to > i {
			hidden = append(hidden, p.Text[i:to])
			b.WriteString(secret.Mask)
			if p.Start > i && p.Start < to { // the mark is under the mask
				start = b.Len() - len(secret.Mask)
			}
			if p.End > i && p.End < to {
				end = b.Len()
			}
			i = to
			continue
		}
		b.WriteByte(p.Text[i])
		i++
	}
	p.Text, p.Start, p.End = b.String(), start, max(start, end)
	return hidden
}

// covered returns where the spans that cover an offset end; the offset when none does.
func covered(spans []span, at int) int {
	to := at
	for _, s := range spans {
		if s[0] <= at && s[1] > to {
			to = covered(spans, s[1])
		}
	}
	return to
}

// masked returns a text of this program without the values from the input that it quotes,
// whole or cut.
func masked(text string, values []string) string {
	for _, v := range values {
		plain := strings.Trim(v, `"'=:`+whiteSpace)
		inGo := strconv.Quote(v)
		for _, form := range []string{v, inGo[1 : len(inGo)-1], plain} {
			text = without(text, form)
			const least = 4 // bytes of a cut value
			for n := len(form) - 1; n >= least && strings.Contains(text, "…"); n-- {
				text = strings.ReplaceAll(text, form[:n]+"…", secret.Mask)
			}
		}
	}
	return text
}

// without returns a text without a value, except where that is part of a word.
func without(text, value string) string {
	if value == "" || value == secret.Mask {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, value)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(value):])
		first, _ := utf8.DecodeRuneInString(value)
		last, _ := utf8.DecodeLastRuneInString(value)
		b.WriteString(text[:i])
		if inWord(before) && inWord(first) || inWord(last) && inWord(after) {
			b.WriteString(value)
		} else {
			b.WriteString(secret.Mask)
		}
		text = text[i+len(value):]
	}
}

func inWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
