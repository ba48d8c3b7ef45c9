package many

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/spf13/pflag"

	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/invoke/input"
)

// Options are the flags that make many calls of one.
type Options struct {
	each        bool
	concurrency int
	unordered   bool
	withRequest bool
	keepGoing   bool
	failures    string
	rate        float64
	skip        int
	progress    flags.Choice
	targets     targetOptions
	repeat      repeatOptions
}

// Add defines the flags, and adds the formats of lists to those of messages that --in takes.
func (o *Options) Add(f *pflag.FlagSet, call *call.Options) {
	for _, format := range input.ListFormats() {
		call.In.Allowed = append(call.In.Allowed, string(format))
	}
	f.BoolVar(&o.each, "each", false,
		"make a call for each request of the list in -d: documents, or CSV or TSV whose columns are field paths; {column} in a word takes a value from the row")
	f.IntVar(&o.concurrency, "concurrency", 1, "calls in flight at most")
	f.BoolVar(&o.unordered, "unordered", false, "print answers as they come, not in the order of the requests")
	f.BoolVar(&o.withRequest, "with-request", false,
		"print index, request, status and time with each answer; --jq gets all of it")
	f.BoolVar(&o.keepGoing, "keep-going", false, "a failed call does not stop the others")
	f.StringVar(&o.failures, "failures", "",
		"write the requests that failed to `FILE`, ready for --each, and what was wrong to FILE.status")
	f.Float64Var(&o.rate, "rate", 0, "begin at most `N` calls per second")
	f.IntVar(&o.skip, "skip", 0, "skip the first `N` requests of the list")
	o.progress = flags.Choice{Value: "auto", Allowed: []string{"auto", "plain", "none"}}
	f.Var(&o.progress, "progress", "show progress on stderr; auto: on a terminal")
	o.targets.add(f)
	o.repeat.add(f)
}

// IsSet reports whether there are many calls.
func (o *Options) IsSet() bool { return o.each || o.targets.isSet() || o.repeat.isSet() }

// Check returns a usage error for flags that do not go together.
func (o *Options) Check(f *pflag.FlagSet, one *call.Options) error {
	if err := o.checkNeeded(f); err != nil {
		return err
	}
	if err := o.targets.checkAlone(f); err != nil {
		return err
	}
	if f.Changed("repeat") && o.repeat.times < 1 {
		return problem.Usage(fmt.Errorf("--repeat %d: from 1 on", o.repeat.times), "")
	}
	if format := input.Format(one.In.Value); !o.each && slices.Contains(input.ListFormats(), format) {
		return problem.Usage(fmt.Errorf("--in %s is for lists", format), "--each makes a call for each of its lines")
	}
	if !o.IsSet() {
		return nil
	}
	for _, c := range o.conflicts(f, one) {
		if c.found {
			return problem.Usage(errors.New(c.problem), c.hint)
		}
	}
	return o.targets.check(f, o)
}

// checkNeeded returns a usage error for flags of many calls where there is one.
func (o *Options) checkNeeded(f *pflag.FlagSet) error {
	if o.IsSet() {
		return nil
	}
	for _, flag := range []string{
		"concurrency", "unordered", "with-request", "keep-going", "failures", "rate",
		"skip",
	} {
		if !f.Changed(flag) {
			continue
		}
		hint := "--each, --repeat or --targets make many"
		if flag == "failures" || flag == "skip" {
			hint = "--each makes many, of a list"
		}
		return problem.Usage(fmt.Errorf("--%s is for many calls", flag), hint)
	}
	return nil
}

// A conflict is flags that contradict each other, or a value out of range.
type conflict struct {
	found         bool
	problem, hint string
}

// conflicts returns what may be wrong with the flags of many calls.
func (o *Options) conflicts(f *pflag.FlagSet, one *call.Options) []conflict {
	kinds := 0
	for _, is := range []bool{o.each, o.targets.isSet(), o.repeat.isSet()} {
		if is {
			kinds++
		}
	}
	return []conflict{
		{kinds > 1, "--each, --targets and --repeat do not go together", ""},
		{o.concurrency < 1 || o.concurrency > 10_000, fmt.Sprintf("--concurrency %d: from 1 to 10000", o.concurrency), ""},
		{o.rate < 0 || math.IsNaN(o.rate) || f.Changed("rate") && o.rate == 0, "--rate is more than 0 calls a second", ""},
		{o.skip < 0 || o.skip > 0 && !o.each, "--skip passes over requests of --each, 0 or more", ""},
		{o.failures != "" && !o.each, "--failures keeps requests of --each", ""},
		{one.DryRun && !o.repeat.isSet(), "--dry-run shows one call", "convert --stream shows what a list becomes"},
		{one.Edit || one.Await.IsSet(), "--edit and --await are for one call", ""},
	}
}
