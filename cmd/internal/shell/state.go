package shell

import (
	"context"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rpcctl/rpcctl/cmd/internal/assist"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/pool"
	"github.com/rpcctl/rpcctl/cmd/internal/values"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// A shell is what lasts from line to line. Lines run one after the other; what the prompt and
// the jobs use as well is guarded.
type shell struct {
	ctx context.Context // of all that the shell does
	console
	baseFlags
	record      *record
	o           *Options
	tree        commandTree
	interactive bool
	colour      bool

	settings map[string]string // of the command set
	used     []string          // services and packages, the one in use last
	code     int               // of the last statement

	pool      *pool.Pool
	assistant *assist.Assistant

	control *interrupts.Control

	mu        sync.Mutex
	confirmed string        // the line that was asked about, and runs when it comes again
	sources   []os.FileInfo // scripts that are running, each run by the one before

	reached atomic.Pointer[string] // where calls go, when no flag says it
	// production tells that they go where care is due, as a context says.
	production atomic.Bool
	talking    atomic.Pointer[work] // the call that is typed into; nil: none
	jobs       jobTable
	results    resultTable
	store      job.Store // what all of them keep
	vars       *values.Variables
	unsent     string // what was being typed into a conversation when the server ended it
	left       *int   // set by exit
	once       bool   // one call is made, and the shell leaves with its exit code
	called     bool   // a call was made

}

func newShell(ctx context.Context, env *env.Env, o *Options, base []string, tree commandTree) *shell {
	s := &shell{
		ctx: ctx, console: console{env: env}, o: o, tree: tree, baseFlags: baseFlags{base},
		settings: map[string]string{},
	}
	s.record = &record{env: env, history: &repl.History{}, kept: !o.NoHistory, secrets: s.policy, say: s.say}
	s.vars = values.New(s.results.job, func() int { return s.code })
	s.pool = pool.New(ctx, env, func() bool { return len(s.jobs.running()) > 0 })
	s.control = interrupts.New(ctx, env, s.pool.Drop, s.jobs.cancel)
	s.assistant = assist.New(ctx, env, view{s}, s.commandsToLookAt, settingNames)
	return s
}

// close ends all jobs and connections. A job, which was cancelled, is given a moment to end, and to
// close its file.
func (s *shell) close() {
	ctx, cancel := context.WithTimeout(context.Background(), env.Grace)
	defer cancel()
	s.jobs.cancelAll(ctx)
	s.pool.Close(ctx)
}

// targetFlags are the flags that say where calls go; a new target drops them all.
var targetFlags = []string{
	"addr", "unix", "unix-socket", "plaintext", "tls", "insecure", "cacert", "cert", "key", "certkey", "servername", "authority",
	"proto", "import-path", "protoset", "use-reflection",
}

// target is where lines go, for people.
func (s *shell) target() string {
	if v, ok := s.flag("addr"); ok {
		return v
	}
	if v, ok := s.flag("unix"); ok {
		return "unix:" + v
	}
	if v := s.reached.Load(); v != nil {
		return *v
	}
	return s.env.Getenv("RPCCTL_ADDR")
}

// using is the service or package that short names are looked up in first, or "".
func (s *shell) using() string {
	if len(s.used) == 0 {
		return ""
	}
	return s.used[len(s.used)-1]
}
