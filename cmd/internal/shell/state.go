package shell

import (
	"context"
	"os"
	"sync"
	"sync/atomic"

	"github.com/rpcctl/rpcctl/cmd/internal/app"
	"github.com/rpcctl/rpcctl/cmd/internal/assist"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/interrupts"
	"github.com/rpcctl/rpcctl/cmd/internal/pool"
	"github.com/rpcctl/rpcctl/cmd/internal/redaction"
	"github.com/rpcctl/rpcctl/cmd/internal/values"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
)

// A shell is what lasts from line to line. Lines run one after the other; what the prompt and
// the jobs use as well is guarded.
type shell struct {
	ctx context.Context // of all that the shell does
	console
	baseFlags
	record *record
	o      *Options
	tree   commandTree
	// newApp returns what the commands share of a line; l is nil for what the shell does between lines.
	newApp      func(env *env.Env, l *line) *app.App
	interactive bool
	colour      bool

	settings map[string]string // of the command set
	used     []string          // services and packages, the one in use last
	code     int               // of the last statement

	pool      *pool.Pool
	assistant *assist.Assistant

	control *interrupts.Control

	mu        sync.Mutex
	confirmed string        // the line that waits to be entered again before it runs
	sources   []os.FileInfo // scripts that are running, each run by the one before

	reached atomic.Pointer[string] // where calls go, when no flag says it
	// production reports whether the context of these calls is marked as production.
	production atomic.Bool
	talking    atomic.Pointer[task] // the call that is typed into; nil: none
	jobs       jobTable
	results    resultTable
	store      job.Store // what all of them keep
	vars       *values.Variables
	unsent     string // what was being typed into a conversation when the server ended it
	exitCode   *int   // set by exit
	once       bool   // one call is made, and the shell leaves with its exit code
	called     bool   // a call was made
}

// close ends all jobs and connections. Jobs, which have been cancelled, get a moment to end
// and to close their files.
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

// A line is a statement that is running.
type line struct {
	s      *shell
	source string // the text that the statement is in
	st     repl.Statement
	env    *env.Env // with the statement's own output
	place  string   // where the statement stands in a script, before what is wrong with it; "": it was typed
	app    *app.App // that runs it; nil before

	args     []string         // as cobra gets them
	words    []int            // for each argument the word that it is from; -1: none
	expanded []bool           // for each word: it had a variable in it
	messages int              // how many words follow the method; -1: not a call
	redirect bool             // the output goes elsewhere
	job      *task            // the statement, when it runs beside the others; nil: it does not
	keep     invoke.Sink      // gets the events of its calls
	ran      bool             // a call was made, which has printed how it ended
	secrets  map[int][]string // the secrets that were asked for, by where their word begins
	pages    *pages           // nil: the output is printed as it comes
}

// policy is what is secret in statements.
func (s *shell) policy() repl.Secrets {
	ix := s.assistant.Index.Load()
	return redaction.Policy(ix.SecretField)
}
