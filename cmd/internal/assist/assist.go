// Package assist helps whoever types at the prompt of the shell: it completes words, colours the
// line, says what is under the cursor, and builds requests to fill in.
package assist

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/cmd/internal/complete"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/flags"
)

// An Assistant helps at one prompt. Its methods may be called from any goroutine.
type Assistant struct {
	// Index has the names of the schema; nil until it is known.
	Index atomic.Pointer[complete.Index]

	ctx      context.Context // of the shell
	env      *env.Env
	shell    Shell
	settings map[string][]string

	shapeOnce sync.Once
	shape     *cobra.Command // the commands, to look at
	tree      func() *cobra.Command
	tableOnce sync.Once
	table     flags.Table
}

// A Shell knows what the schema does not say.
type Shell interface {
	// Typing returns the method that the words of the line are messages for, because its call is
	// running; nil: none.
	Typing() protoreflect.MethodDescriptor
	// Warning returns what the user has to know now; "" means nothing.
	Warning() string
	// Used returns the services and packages that were put in use, the current one last.
	Used() []string
	// Jobs and Results return the calls that are running and those that have ended.
	Jobs() []Call
	Results() []Call
	// Variables returns their names.
	Variables() []string
	// Fields returns the fields of what an expression such as $1.a stands for.
	Fields(expression string) ([]string, error)
	// Seen returns strings that responses had in a field.
	Seen(field string) []string
}

// A Call is a call by the number that the shell gives it.
type Call struct {
	Number int
	Name   string // of the method
}

// New returns the assistant of a shell, until ctx is done. tree builds the commands of the
// shell, which are inspected and never run. settings has the words that each setting of the
// command set takes; without words it takes any.
func New(
	ctx context.Context, env *env.Env, s Shell, tree func() *cobra.Command, settings map[string][]string,
) *Assistant {
	return &Assistant{ctx: ctx, env: env, shell: s, tree: tree, settings: settings}
}

// commands returns the commands, to look at.
func (a *Assistant) commands() *cobra.Command {
	a.shapeOnce.Do(func() { a.shape = a.tree() })
	return a.shape
}

// using returns the service or package in use, "" for none.
func (a *Assistant) using() string {
	if used := a.shell.Used(); len(used) > 0 {
		return used[len(used)-1]
	}
	return ""
}

// dot stands between two things that are said in one line.
func (a *Assistant) dot() string { return a.env.Sign(" · ", " - ") }
