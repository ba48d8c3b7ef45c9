package shell

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rpcctl/rpcctl/cmd/internal/assist"
	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/boundfile"
	"github.com/rpcctl/rpcctl/invoke/job"
	"github.com/rpcctl/rpcctl/repl"
	"github.com/rpcctl/rpcctl/testserver"
)

// A shell is what lasts from line to line. Lines run one after the other; what the prompt and
// the jobs use as well is guarded.
type shell struct {
	ctx         context.Context // of all that the shell does
	dead        context.Context // ends with ctx, and sooner when a signal ends the shell
	setDead     func()
	env         *env.Env
	o           *Options
	tree        commandTree
	interactive bool
	colour      bool
	editor      *repl.Editor // nil: a script, or plain lines
	history     *repl.History
	historyTold atomic.Bool // that it does not work

	base     []string          // flags that every line begins with
	settings map[string]string // of the command set
	used     []string          // services and packages, the one in use last
	code     int               // of the last statement

	asking turn // held while a session begins to use reflection

	poolMu sync.Mutex         // held while nothing is waited for
	pool   map[string]*pooled // by the flags that they were opened with
	recent []string           // the keys of pool, the one that was used last at the end

	demoOnce sync.Once
	demo     *testserver.Memory // behind the target demo:; nil: nobody has asked for it

	assistant *assist.Assistant

	callMu     sync.Mutex
	foreground *foreground   // what Ctrl-C is for; nil: the prompt
	confirmed  string        // the line that was asked about, and runs when it comes again
	dying      atomic.Int32  // the exit code of a signal; 0: none
	sources    []os.FileInfo // scripts that are running, each run by the one before

	reached atomic.Pointer[string] // where calls go, when no flag says it
	// production tells that they go where care is due, as a context says.
	production atomic.Bool
	talking    atomic.Pointer[work] // the call that is typed into; nil: none
	jobs       jobTable
	results    resultTable
	store      job.Store // what all of them keep
	vars       map[string]value
	unsent     string // what was being typed into a conversation when the server ended it
	left       *int   // set by exit
	once       bool   // one call is made, and the shell leaves with its exit code
	called     bool   // a call was made

	signals chan os.Signal
	// signalledEditor is the editor, for signals: they come while it is being opened, too.
	signalledEditor atomic.Pointer[repl.Editor]

	nudged    chan struct{} // a signal came while plain lines are read
	stopAsked atomic.Bool   // a signal asked to suspend the shell
}

func newShell(ctx context.Context, env *env.Env, o *Options, base []string, tree commandTree) *shell {
	s := &shell{
		ctx: ctx, env: env, o: o, tree: tree, base: base, history: &repl.History{},
		asking: make(turn, 1), settings: map[string]string{}, pool: map[string]*pooled{}, vars: map[string]value{},
		signals: make(chan os.Signal, 8), nudged: make(chan struct{}, 1),
	}
	s.dead, s.setDead = context.WithCancel(ctx)
	s.assistant = assist.New(ctx, env, view{s}, s.commandsToLookAt, settingNames)
	return s
}

// close ends all jobs and connections. A job, which was cancelled, is given a moment to end, and to
// close its file.
func (s *shell) close() {
	ctx, cancel := context.WithTimeout(context.Background(), env.Grace)
	defer cancel()
	s.jobs.cancelAll(ctx)
	s.poolMu.Lock()
	all := slices.Collect(maps.Values(s.pool))
	s.poolMu.Unlock()
	for _, open := range all {
		if open.opening.take(ctx) == nil {
			_ = open.Close() // there is nobody left to tell
			open.opening.giveBack()
		}
	}
	if s.demo != nil {
		_ = s.demo.Close()
	}
}

// A pooled session is one that lines share.
type pooled struct {
	*session.Session
	opening turn // held while it is opened or closed
}

// close closes the session, unless it is being opened just now. It reports whether it did.
func (p *pooled) close() bool {
	if !p.opening.try() {
		return false
	}
	defer p.opening.giveBack()
	_ = p.Close() // the calls tell
	return true
}

// connection returns the session of a key: the one that a line with the same key has opened, or a
// new one. Its transport and types are made here, so that afterwards lines and
// jobs may use it at the same time. Files are read for that until ctx is done, which is the only
// error. Lines with other flags wait for none of that.
func (s *shell) connection(ctx context.Context, key string, settings session.Settings) (*session.Session, error) {
	open, err := s.pooled(ctx, key, settings)
	if err != nil {
		return nil, err
	}
	defer open.opening.giveBack()
	// What can not be opened is told by the command that needs it.
	_, err = open.Transport(ctx)
	if err == nil || errors.Is(err, session.ErrNoTarget) {
		if _, err = open.Source(ctx); err == nil {
			_, _ = open.Types(s.ctx) // which outlive the line
		}
	}
	if errors.As(err, new(*boundfile.WaitError)) {
		return nil, err
	}
	return open.Session, nil
}

// pooled returns the session of a key, a new one where there is none, when it is the caller's turn
// to open it. The error is that of ctx.
func (s *shell) pooled(ctx context.Context, key string, settings session.Settings) (*pooled, error) {
	for {
		s.poolMu.Lock()
		open, ok := s.pool[key]
		s.recent = append(slices.DeleteFunc(s.recent, func(k string) bool { return k == key }), key)
		if !ok {
			s.closeOldest()
			open = &pooled{session.New(session.World{Dial: s.env.Dial, Now: s.env.Now, Demo: s.demoServer}), make(turn, 1)}
			open.Configure(settings)
			s.pool[key] = open
		}
		s.poolMu.Unlock()
		if err := open.opening.take(ctx); err != nil {
			return nil, err
		}
		s.poolMu.Lock()
		still := s.pool[key] == open
		s.poolMu.Unlock()
		if still {
			return open, nil
		}
		open.opening.giveBack() // it was closed meanwhile
	}
}

// A turn is a lock, which is waited for as long as a context says.
type turn chan struct{}

// take waits for the lock. The error is that of ctx.
func (t turn) take(ctx context.Context) error {
	if t.try() {
		return nil
	}
	select {
	case t <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try takes the lock if it is free, and reports whether it was.
func (t turn) try() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

func (t turn) giveBack() { <-t }

// poolMax is how many sessions are open at once: a line with flags of its own has one of its own,
// with a connection and a schema.
const poolMax = 16

// closeOldest closes the sessions that were not used for the longest time, when there are too
// many. What runs in the background may use any. The pool is locked.
func (s *shell) closeOldest() {
	for len(s.pool) >= poolMax && len(s.jobs.running()) == 0 {
		if open, ok := s.pool[s.recent[0]]; ok {
			if !open.close() {
				return
			}
			delete(s.pool, s.recent[0])
		}
		s.recent = s.recent[1:]
	}
}

// demoServer returns the server behind the target demo:, one for all sessions.
func (s *shell) demoServer() *testserver.Memory {
	s.demoOnce.Do(func() { s.demo = testserver.StartMemory(testserver.Options{Now: s.env.Now}) })
	return s.demo
}

// dropConnections closes what is open, which ends the calls over it. What is just being opened has
// none, and is not waited for.
func (s *shell) dropConnections() {
	s.poolMu.Lock()
	defer s.poolMu.Unlock()
	for key, open := range s.pool {
		if open.close() {
			delete(s.pool, key)
		}
	}
}

// flag returns the value of a flag of every line, and whether it is there.
func (s *shell) flag(name string) (string, bool) {
	for _, f := range slices.Backward(s.base) {
		if v, ok := strings.CutPrefix(f, "--"+name+"="); ok {
			return v, true
		}
	}
	return "", false
}

// dropFlags takes flags away from every line.
func (s *shell) dropFlags(drop func(name, value string) bool) {
	s.base = slices.DeleteFunc(slices.Clone(s.base), func(f string) bool {
		name, value, _ := strings.Cut(strings.TrimPrefix(f, "--"), "=")
		return drop(name, value)
	})
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

// say prints talk: above the prompt when there is one.
func (s *shell) say(text string) {
	if s.editor != nil {
		s.editor.Print(s.env.Secrets.Mask(text))
		return
	}
	fmt.Fprintln(s.env.Stderr, strings.TrimSuffix(text, "\n"))
}

// styled is text in a style of the editor's, when there is one.
func (s *shell) styled(style repl.Style, text string) string {
	if s.editor == nil {
		return text
	}
	return s.editor.Styled(style, text)
}
