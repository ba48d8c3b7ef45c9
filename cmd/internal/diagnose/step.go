// Package diagnose walks the way to a server step by step: its name, TCP, TLS, HTTP/2, then gRPC,
// reflection and health, each with a verdict.
package diagnose

import (
	"errors"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/invoke"
)

// The verdicts on a step.
const (
	OK      = "ok"
	Warn    = "warn" // it works, and something is odd
	Failed  = "failed"
	None    = "none"    // the server does not have it, which is no failure
	Skipped = "skipped" // it was not looked at
)

// A Step is a part of the way to a server.
type Step struct {
	Name    string   `json:"step"`
	Verdict string   `json:"verdict"`
	Millis  *float64 `json:"ms,omitempty"` // missing when nothing was done
	Detail  string   `json:"detail,omitempty"`
	Hint    string   `json:"hint,omitempty"`

	Addresses []string      `json:"addresses,omitempty"`
	TLS       *tlsFacts     `json:"tls,omitempty"`
	Versions  []string      `json:"versions,omitempty"`
	Services  []string      `json:"services,omitempty"`
	took      time.Duration // of Millis
}

// measure runs what a step does, and takes its time.
func (p *Step) measure(now func() time.Time, do func() error) {
	began := now()
	err := do()
	p.took = now().Sub(began)
	ms := float64(p.took.Microseconds()) / 1000
	p.Millis = &ms
	if err != nil {
		p.fail(err)
	} else if p.Verdict == "" {
		p.Verdict = OK
	}
}

// fail makes an error the verdict on a step.
func (p *Step) fail(err error) {
	p.Verdict, p.Detail = Failed, plainCause(err)
	p.Hint = strings.Join(problem.Hints(err), "; ")
}

// plainCause returns the text of an error without what the name of the step already says.
func plainCause(err error) string {
	var se *invoke.StatusError
	if errors.As(err, &se) && se.Status.Cause == nil {
		return se.Error()
	}
	if errors.As(err, &se) {
		return se.Status.Cause.Error()
	}
	return err.Error()
}

func skippedStep(name, why string) *Step {
	return &Step{Name: name, Verdict: Skipped, Detail: why}
}
