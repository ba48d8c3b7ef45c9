package cmd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// seconds is a length of time as a flag: 2.5 (seconds), 2.5s, 200ms.
type seconds time.Duration

// String is "0" for none, which pflag does not tell as a default.
func (s *seconds) String() string {
	if *s == 0 {
		return "0"
	}
	return time.Duration(*s).String()
}

func (*seconds) Type() string { return "duration" }

// Set reads a length of time, which is never negative.
func (s *seconds) Set(text string) error {
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
	*s = seconds(d)
	return nil
}

// repeated is the values of a flag that may be given several times, as they stand.
// pflag's own kind makes a CSV writer of 4 KiB for each flag, at every start.
type repeated []string

func (r *repeated) String() string {
	if len(*r) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", []string(*r))
}

func (*repeated) Type() string { return "stringArray" }

// Set adds a value.
func (r *repeated) Set(text string) error { return r.Append(text) }

// Append is Set, for pflag.SliceValue.
func (r *repeated) Append(text string) error {
	*r = append(*r, text)
	return nil
}

// Replace takes other values, of which the caller keeps the slice.
func (r *repeated) Replace(values []string) error {
	*r = slices.Clone(values)
	return nil
}

// GetSlice returns a copy of the values.
func (r *repeated) GetSlice() []string { return slices.Clone(*r) }

// size is a number of bytes as a flag: 4194304, 4MiB, 64k.
type size int

func (s *size) String() string { return strconv.Itoa(int(*s)) }

func (*size) Type() string { return "bytes" }

// units are the powers of 1024 that a size may end in.
var units = []struct {
	suffix string
	shift  uint
}{{"kib", 10}, {"mib", 20}, {"gib", 30}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"k", 10}, {"m", 20}, {"g", 30}, {"b", 0}}

// Set reads a number of bytes, at most 2 GiB less one.
func (s *size) Set(text string) error {
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
	*s = size(n << shift)
	return nil
}

// choice is a flag that takes one of a few words.
type choice struct {
	value   string
	allowed []string
}

func (c *choice) String() string { return c.value }

func (c *choice) Type() string { return strings.Join(c.allowed, "|") }

// Set takes one of the words.
func (c *choice) Set(text string) error {
	for _, a := range c.allowed {
		if text == a {
			c.value = text
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", text, strings.Join(c.allowed, ", "))
}
