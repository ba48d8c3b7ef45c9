package jq

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
)

// unguarded returns the results of a program for a document without our guards, and its error.
func unguarded(t *testing.T, program, document string) ([]string, string) {
	t.Helper()
	query, err := gojq.Parse(program)
	if err != nil {
		t.Fatal(err)
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, err.Error()
	}
	var input any
	dec := json.NewDecoder(strings.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(&input); err != nil {
		t.Fatal(err)
	}
	var all []string
	for results := code.Run(input); ; {
		result, ok := results.Next()
		if !ok {
			return all, ""
		}
		if err, failed := result.(error); failed {
			return all, err.Error()
		}
		text, err := gojq.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(text))
	}
}

// The guarded functions give what those of the dialect give, errors included.
func TestGuardsMeanTheSame(t *testing.T) {
	const document = `{"a":2,"b":[3,2,[1,null],"x",{"k":1.5}],"c":"x","d":{"a":2,"z":[]},"l":[{"n":2,"s":"q"},{"n":1,"s":"r"},{"n":2,"s":"p"}],"t":[[1,2],[3]],"w":["a","b<"]}`
	for program := range strings.SplitSeq(`tojson
.b|tostring, (.c|tostring)
"\(.b) and \(.c)\("in \(.a)")"
@json "v=\(.b)", @text "v=\(.b)", @html "<\(.w[1])>", @uri "\(.w[1])", @csv "\(.w)", @sh "\(.w)", @base64 "\(.c)"
.w | @csv, @tsv, @sh, @json, @text
.w[] | @html, @uri, @base64, (@base64|@base64d)
.d | @csv
@nope
format("json", "text"), (.w|format("csv"))
format("nope")
.b | flatten, flatten(0, 1)
.b | flatten(-1)
.c | flatten
.b | sort, unique, min, max
.a | sort
.l | sort_by(.n), sort_by(.n, .s), group_by(.n), unique_by(.n), min_by(.n), max_by(.n)
.c | sort_by(.n)
.d | contains({a: 2}, {a: 3}), inside({a: 2, z: [], y: 1})
.c | contains("x"), contains(1)
.b | index(2), rindex(2, "x"), indices([2, [1, null]]), indices(2)
"abcb" | index("b"), rindex("b"), indices("b")
[1, 2, 3] | bsearch(2, 5)
.w | add, join("-"), join(",", ";")
.t | add, transpose, add(.[][])
.l | add, map(.n) , (map(.n)|add)
{} | add
.a | add
.b | join("-")
.b[0] == 3, .b == .b, .b != .t, .a < .b, .b <= .b, .d > .l, .d >= .d, .c == .w
(.a, .c) == (.a, .c)
nan < nan, nan == nan, nan > nan, [nan] == [nan], ([nan] | sort)
.a - 1, 5 - .a, .b - .b, (.b - [2, "x"]), ((1, 2) - (.a, 3))
.c - .c
.b -= [2] | .b
.a -= (1, 2) | .a
IN(1, 2), IN(.a; 1, 2), (.b | map(IN(.[]?, 3)))
.l | INDEX(.n), INDEX(.[]; .s)
"a1b22" | [scan("[0-9]+")], [match("[0-9]"; "g").offset], sub("[0-9]"; "_"), gsub("(?<n>[0-9])"; "<\(.n)>"), gsub("B"; "."; "i"), split("[0-9]+"; null), [splits("[0-9]")], capture("(?<n>[0-9])"), test("b")
try error catch ., try error("x") catch ., try error({a: 1}) catch .a
error("x")
error(null)
.a | error
.b | error
.l | map(select(.n == .n)) | length
[paths(type == "number")]
def sort: 7; .b | sort
def tostring: "mine"; "\(.a)"
[limit(2; .b[])], first(.b[]), (.b | first, last)
[..] | length
.b | map(tojson | fromjson) == .
.d * {a: {b: 1}}, (.d * .d), 1e10 * 1e10, 10000000000 * 10000000000, 10000000000000000000000 * .a
path(.b[1], .d.a), getpath(["b", 1])
[.b[] | try tojson catch "no"]
.[["a"][0]], .b[[2]], delpaths([["b"], ["d", "a"]])
.l | any(.n == 1), all(.[]; .n > 0)
walk(if type == "number" then tostring else . end)
to_entries | from_entries | with_entries(.value |= tostring)
reduce .b[] as $x (""; . + ($x | tostring))
"\(1, 2) \(3, 4)"
{"\(.c)": 1, "k\(.a)": .c} | ."x"
`, "\n") {
		if program == "" {
			continue
		}
		want, failure := unguarded(t, program, document)
		f, err := Parse(program)
		var got []string
		if err == nil {
			err = f.Each(t.Context(), []byte(document), testHeld, func(result any) error {
				text, err := gojq.Marshal(result)
				got = append(got, string(text))
				return err
			})
		}
		if message := ""; err != nil {
			if message = strings.TrimPrefix(err.Error(), "jq: "); message != failure {
				t.Errorf("%s: %s, want %q", program, message, failure)
			}
		} else if failure != "" {
			t.Errorf("%s: no error, want %s", program, failure)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", program, diff)
		}
	}
}

// shared are values that hold themselves many times over, in little memory.
const (
	sharedArray  = `reduce range(40) as $i ([1]; [., .])`
	sharedObject = `reduce range(40) as $i ({a: 1}; {a: ., b: .})`
	deepArray    = `reduce range(900000) as $i (1; [.])`
)

// A program that has ended does nothing more, and holds no memory.
func TestProgramsLeaveNothing(t *testing.T) {
	const tooLarge = "a value of more than 16 MiB"
	for program, want := range map[string]string{
		sharedArray + ` | tojson`:                                           tooLarge,
		sharedObject + ` | tojson`:                                          tooLarge,
		sharedArray + ` | tostring`:                                         tooLarge,
		sharedArray + ` | "is \(.)"`:                                        tooLarge,
		sharedArray + ` | @json "is \(.)"`:                                  tooLarge,
		sharedArray + ` | @text`:                                            tooLarge,
		sharedArray + ` | @json`:                                            tooLarge,
		sharedArray + ` | @html`:                                            tooLarge,
		sharedArray + ` | @uri`:                                             tooLarge,
		sharedArray + ` | @base64`:                                          tooLarge,
		`[` + sharedArray + `] | @csv`:                                      tooLarge,
		`[` + sharedArray + `] | @tsv`:                                      tooLarge,
		`[` + sharedArray + `] | @sh`:                                       tooLarge,
		sharedArray + ` | format("json")`:                                   tooLarge,
		sharedArray + ` | flatten`:                                          tooLarge,
		sharedArray + ` | flatten(39)`:                                      tooLarge,
		sharedArray + ` | sort`:                                             tooLarge,
		sharedArray + ` | unique`:                                           tooLarge,
		sharedArray + ` | min`:                                              tooLarge,
		sharedArray + ` as $x | [1, 2] | sort_by($x)`:                       tooLarge,
		sharedArray + ` as $x | [1, 2] | group_by($x)`:                      tooLarge,
		sharedArray + ` as $x | [1, 2] | unique_by($x)`:                     tooLarge,
		sharedArray + ` as $x | [1, 2] | max_by($x)`:                        tooLarge,
		`(` + sharedArray + `) == (` + sharedArray + `)`:                    tooLarge,
		`(` + sharedObject + `) < (` + sharedObject + `)`:                   tooLarge,
		`(` + sharedArray + `) - (` + sharedArray + `)`:                     tooLarge,
		`(` + sharedArray + `) as $x | ` + sharedArray + `| IN($x)`:         tooLarge,
		`(` + sharedArray + `) as $x | ` + sharedArray + `| contains([$x])`: tooLarge,
		`(` + sharedArray + `) as $x | [` + sharedArray + `] | index([$x])`: tooLarge,
		`(` + sharedObject + `) as $x | ` + sharedObject + ` | . * $x`:      "an object of more than 4194304 values",
		sharedArray + ` | error`:                                            tooLarge,
		sharedArray + ` | error(.)`:                                         tooLarge,
		sharedArray + ` | halt_error`:                                       tooLarge,
		sharedArray + ` as $x | [1] | INDEX($x)`:                            tooLarge,
		`("x" * 16000000) as $x | [range(1000) | $x] | join("")`:            tooLarge,
		`("x" * 16000000) as $x | [range(1000) | $x] | add`:                 tooLarge,
		`[range(100000)] as $x | [range(10000) | $x] | add`:                 tooLarge,
		`[range(100000)] as $x | [range(10000) | $x] | transpose`:           tooLarge,
		`[range(100000)] as $x | [range(100000)] | . - ($x | map(-1 - .))`:  "too large to be compared part by part",
		`("x" * 16000000) | [scan("x")]`:                                    "a text of 16000000 bytes is too long to be searched",
		`("x" * 16000000) | gsub("x"; "y")`:                                 "a text of 16000000 bytes is too long to be searched",
		`reduce range(40) as $i (3; . * .)`:                                 "a number of more than 1048576 bits",
		deepArray + ` | tojson`:                                             tooLarge,
		`(` + deepArray + `) == (` + deepArray + `)`:                        tooLarge,
		`[limit(3; repeat(` + sharedArray + `))] | map(tojson)`:             tooLarge,
		sharedArray + ` | [..] | length`:                                    "the program takes more than 64 MiB",
		sharedArray + ` | [paths] | length`:                                 "the program takes more than 64 MiB",
	} {
		t.Run(program, func(t *testing.T) {
			_, err := results(t, program, `{}`)
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(e.Error(), want) && !strings.Contains(e.Error(), "the program takes more than 64 MiB") {
				t.Errorf("%.200v, want %s", err, want)
			}
			settles(t)
		})
	}
}

// settles waits until no program runs, and until its memory is given back.
func settles(t *testing.T) {
	t.Helper()
	const most = 128 << 20
	stacks := make([]byte, 1<<20)
	for begun := time.Now(); ; runtime.Gosched() {
		working := strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*run).results")
		var m runtime.MemStats
		if !working {
			runtime.GC()
			if runtime.ReadMemStats(&m); m.HeapAlloc < most {
				return
			}
		}
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("a program is at work: %v, with %d MiB", working, m.HeapAlloc>>20)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
