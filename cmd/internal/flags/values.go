package flags

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Seconds is a flag that holds a length of time: 2.5 (seconds), 2.5s, 200ms.
type Seconds time.Duration

// String returns "0" for none, a default that pflag does not print.
func (s *Seconds) String() string {
	if *s == 0 {
		return "0"
	}
	return time.Duration(*s).String()
}

// Type names the kind of value in help.
func (*Seconds) Type() string { return "duration" }

// Duration returns the length of time.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// Set parses a length of time. Negative ones are errors.
func (s *Seconds) Set(text string) error {
	d, err := time.ParseDuration(text)
	if f, ferr := strconv.ParseFloat(text, 64); ferr == nil {
		if math.IsNaN(f) || f > math.MaxInt64/float64(time.Second) {
			return fmt.Errorf("%q is no length of time", text)
		}
		d, err = time.Duration(f*float64(time.Second)), nil
	}
	if err != nil {
		return fmt.Errorf("%q is no length of time, such as 2.5 or 200ms", text)
	}
	if d < 0 {
		return fmt.Errorf("%q is negative", text)
	}
	*s = Seconds(d)
	return nil
}

// A Repeated is a flag that may be given several times; it keeps each value as it is
// written. pflag's own kind allocates a CSV writer of 4 KiB for each such flag at every
// start.
type Repeated []string

// String returns the values, quoted.
func (r *Repeated) String() string {
	if len(*r) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", []string(*r))
}

// Type names the kind of value in help.
func (*Repeated) Type() string { return "stringArray" }

// Set adds a value.
func (r *Repeated) Set(text string) error { return r.Append(text) }

// Append adds a value, as pflag.SliceValue asks for.
func (r *Repeated) Append(text string) error {
	*r = append(*r, text)
	return nil
}

// Replace sets all values, and copies the slice.
func (r *Repeated) Replace(values []string) error {
	*r = slices.Clone(values)
	return nil
}

// GetSlice returns a copy of the values.
func (r *Repeated) GetSlice() []string { return slices.Clone(*r) }

// A Size is a flag that holds a number of bytes: 4194304, 4MiB, 64k.
type Size int

// String returns the number of bytes.
func (s *Size) String() string { return strconv.Itoa(int(*s)) }

// Type names the kind of value in help.
func (*Size) Type() string { return "bytes" }

// units are the suffixes of a size, each a power of 1024. Longer ones come first.
var units = []struct {
	suffix string
	shift  uint
}{{"kib", 10}, {"mib", 20}, {"gib", 30}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"k", 10}, {"m", 20}, {"g", 30}, {"b", 0}}

// Set parses a number of bytes, at most 2 GiB less one.
func (s *Size) Set(text string) error {
	number, shift := strings.ToLower(strings.TrimSpace(text)), uint(0)
	for _, u := range units {
		if n, ok := strings.CutSuffix(number, u.suffix); ok {
			number, shift = n, u.shift
			break
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 31)
	if err != nil || n<<shift > math.MaxInt32 {
		return fmt.Errorf("%q is no number of bytes, such as 4194304 or 4MiB (2GiB at most)", text)
	}
	*s = Size(n << shift)
	return nil
}

// A Choice is a flag whose value is one of a few words.
type Choice struct {
	Value   string // "" until one is set, or the default
	Allowed []string
}

// String returns the word.
func (c *Choice) String() string { return c.Value }

// Type lists the words in help.
func (c *Choice) Type() string { return strings.Join(c.Allowed, "|") }

// Set accepts one of the words.
func (c *Choice) Set(text string) error {
	for _, a := range c.Allowed {
		if text == a {
			c.Value = text
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", text, strings.Join(c.Allowed, ", "))
}
