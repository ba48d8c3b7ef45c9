package jq

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testHeld is how many bytes the values of a document may take in a test.
const testHeld = 228 << 20

// results returns the results of a program for a document, and its error.
func results(t *testing.T, program, document string) ([]string, error) {
	t.Helper()
	f, err := Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = f.Each(t.Context(), []byte(document), testHeld, func(result any) error {
		text, err := (&ResultPrinter{Most: MaxResult(nil)}).Append(nil, result)
		all = append(all, string(text))
		return err
	})
	return all, err
}

// Products mean what they mean to jq, in every spelling.
func TestProducts(t *testing.T) {
	for program, want := range map[string][]string{
		`.a * 3`:                             {`6`},
		`"ab" * 2`:                           {`"abab"`},
		`2 * "ab"`:                           {`"abab"`},
		`"ab" * 0`:                           {`""`},
		`"ab" * -1`:                          {`null`},
		`(1, 2) * (10, 100)`:                 {`10`, `20`, `100`, `200`},
		`{a: {b: 1}} * {a: {c: 2}}`:          {`{"a":{"b":1,"c":2}}`},
		`.a *= 5 | .a`:                       {`10`},
		`.a *= (1, 2) | .a`:                  {`2`, `4`},
		`.b[] *= 2 | .b`:                     {`[4,6]`},
		`def f(x): x * 2; f(.a)`:             {`4`},
		`reduce (1, 2, 3) as $x (1; . * $x)`: {`6`},
		`[foreach (1, 2) as $x (1; . * $x; . * 10)]`:        {`[10,20]`},
		`if .a * 2 == 4 then "y" else "n" end`:              {`"y"`},
		`"\(.a * 2)"`:                                       {`"4"`},
		`{(.c * 2): .a * 2}`:                                {`{"xx":4}`},
		`try (.c * {}) catch "no"`:                          {`"no"`},
		`.b as [$x, $y] | $x * $y`:                          {`6`},
		`label $out | .a * 2, break $out`:                   {`4`},
		`1 + 2 * 3 - 4 * 5`:                                 {`-13`},
		`.b[.a * 0 :]`:                                      {`[2,3]`},
		`-(.a * 2)`:                                         {`-4`},
		`reduce .b[] as $x (0; . + $x)`:                     {`5`},
		`reduce .b[] as $x ([]; . + [$x])`:                  {`[2,3]`},
		`reduce .b[] as $x ({}; .n += $x) | .n`:             {`5`},
		`def f(x): x + 1; [f(.b[])]`:                        {`[3,4]`},
		`[.b[] + 1, .b[0] + .b[1]]`:                         {`[3,4,5]`},
		`reduce (1, 2) as $x ("a"; . + (("b", "c") + "d"))`: {`"acdcd"`},
		`.b[.a - 1]`:                                        {`3`},
		`.[["a"][0]]`:                                       {`2`},
		`.b[1] = 7 | .b`:                                    {`[2,7]`},
		`.b[.a] = 7 | .b`:                                   {`[2,3,7]`},
		`setpath(["b", 0]; 7) | .b`:                         {`[7,3]`},
		`[paths]|length`:                                    {`5`},
		`limit(1; .a * 2)`:                                  {`4`},
		`[.[] | numbers * 2]`:                               {`[4]`},
	} {
		got, err := results(t, program, `{"a":2,"b":[2,3],"c":"x"}`)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", program, err, diff)
		}
	}
}

// A program ends with its memory, and with its time, whatever it does.
func TestProgramsEnd(t *testing.T) {
	const tooMuch = "the program takes more than 64 MiB"
	for program, want := range map[string]string{
		`"x" * 1e9`:                            "a text of 1 bytes repeated 1e+09 times is longer than 16 MiB",
		`.a *= 1e9`:                            "a text of 1 bytes repeated 1e+09 times is longer than 16 MiB",
		`.[4e8] = 1`:                           "the index 4e+08 is greater than 4194304",
		`.[2 * 2e8] |= 1`:                      "the index 4e+08 is greater than 4194304",
		`setpath([4e8]; 1)`:                    "the index 4e+08 is greater than 4194304",
		`setpath(["a", 4e8]; 1)`:               "the index 4e+08 is greater than 4194304",
		`reduce range(40) as $i ([1]; . += .)`: "an array of more than 4194304 values",
		`[range(1e9)]`:                         tooMuch,
		`reduce range(40) as $i ("x"; . + .)`:  "a text of more than 16 MiB",
		`def f: [f]; f`:                        tooMuch,
		`reduce range(40) as $i (.; [., .])`:   "a result is too long to be printed",
	} {
		t.Run(program, func(t *testing.T) {
			_, err := results(t, program, `{"a":"x"}`)
			var e *Error
			// The watch on the memory may see it before the step that would be too much.
			if !errors.As(err, &e) || !strings.Contains(e.Err.Error(), want) && !strings.Contains(e.Err.Error(), tooMuch) {
				t.Errorf("%v, want %s", err, want)
			}
		})
	}
	for _, program := range []string{`last(range(1e12))`, `def f: f; f`, `repeat(empty)`, `first(range(1e12) | select(. < 0))`} {
		t.Run(program, func(t *testing.T) {
			f, err := Parse(program)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			begun := time.Now()
			err = f.Each(ctx, []byte(`{}`), testHeld, func(any) error { return nil })
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, context.DeadlineExceeded) || e.Error() != "jq: the program had not ended by the deadline" {
				t.Error(err)
			}
			if took := time.Since(begun); took > 30*time.Second {
				t.Error("it took", took)
			}
		})
	}
}

// A large document does not count as a large program.
func TestLargeDocuments(t *testing.T) {
	many := make([]int, 2<<20)
	document, err := json.Marshal(map[string]any{"n": many})
	if err != nil {
		t.Fatal(err)
	}
	got, err := results(t, `[.n[] + 1] | length`, string(document))
	if err != nil || got[0] != "2097152" {
		t.Error(got, err)
	}
}
