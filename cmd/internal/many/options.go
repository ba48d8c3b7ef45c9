package many

import (
	"errors"
	"fmt"
	"math"

	"github.com/rpcctl/rpcctl/cmd/internal/call"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/invoke/input"
	"github.com/spf13/pflag"
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
	f.BoolVar(&o.each, "each", false, "a call for each request of the list that -d gives: documents, or CSV or TSV whose columns are field paths; words with {column} make the requests of its rows")
	f.IntVar(&o.concurrency, "concurrency", 1, "calls in flight at most")
	f.BoolVar(&o.unordered, "unordered", false, "print answers as they come, not in the order of the requests")
	f.BoolVar(&o.withRequest, "with-request", false, "print index, request, status and time with each answer; --jq gets all of it")
	f.BoolVar(&o.keepGoing, "keep-going", false, "a failed call does not stop the others")
	f.StringVar(&o.failures, "failures", "", "write the requests that failed to `FILE`, ready for --each, and what was wrong to FILE.status")
	f.Float64Var(&o.rate, "rate", 0, "begin at most so many calls a `SECOND`")
	f.IntVar(&o.skip, "skip", 0, "pass over the first `N` requests of the list")
	o.progress = flags.Choice{Value: "auto", Allowed: []string{"auto", "plain", "none"}}
	f.Var(&o.progress, "progress", "how far many calls are, on stderr; auto: on a terminal")
	o.targets.add(f)
	o.repeat.add(f)
}

// Given reports whether there are many calls.
func (o *Options) Given() bool { return o.each || o.targets.given() || o.repeat.given() }

// Check finds flags that mean nothing together.
func (m *Options) Check(f *pflag.FlagSet, o *call.Options) error {
	for _, flag := range []string{"concurrency", "unordered", "with-request", "keep-going", "failures", "rate", "skip"} {
		if f.Changed(flag) && !m.Given() {
			hint := "--each, --repeat or --targets make many"
			if flag == "failures" || flag == "skip" {
				hint = "--each makes many, of a list"
			}
			return problem.Usage(fmt.Errorf("--%s is for many calls", flag), hint)
		}
	}
	if err := m.targets.checkAlone(f); err != nil {
		return err
	}
	if f.Changed("repeat") && m.repeat.times < 1 {
		return problem.Usage(fmt.Errorf("--repeat %d: from 1 on", m.repeat.times), "")
	}
	if format := input.Format(o.In.Value); !m.each && (format == input.FormatNDJSON || format == input.FormatCSV || format == input.FormatTSV) {
		return problem.Usage(fmt.Errorf("--in %s is for lists", format), "--each makes a call for each of its lines")
	}
	if !m.Given() {
		return nil
	}
	kinds := 0
	for _, is := range []bool{m.each, m.targets.given(), m.repeat.given()} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds > 1:
		return problem.Usage(errors.New("--each, --targets and --repeat do not go together"), "")
	case m.concurrency < 1 || m.concurrency > 10_000:
		return problem.Usage(fmt.Errorf("--concurrency %d: from 1 to 10000", m.concurrency), "")
	case m.rate < 0 || math.IsNaN(m.rate) || f.Changed("rate") && m.rate == 0:
		return problem.Usage(errors.New("--rate is more than 0 calls a second"), "")
	case m.skip < 0 || m.skip > 0 && !m.each:
		return problem.Usage(errors.New("--skip passes over requests of --each, 0 or more"), "")
	case m.failures != "" && !m.each:
		return problem.Usage(errors.New("--failures keeps requests of --each"), "")
	case o.DryRun && !m.repeat.given():
		return problem.Usage(errors.New("--dry-run shows one call"), "convert --stream shows what a list becomes")
	case o.Edit, o.Await.Given():
		return problem.Usage(errors.New("--edit and --await are for one call"), "")
	}
	return m.targets.check(f, m)
}
