package shell

import (
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/cmd/internal/output"
	"github.com/rpcctl/rpcctl/cmd/internal/session"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
)

// A task is a call that the shell makes, or a statement that runs beside the others.
type task struct {
	*job.Job
	number int    // among the jobs; 0: it was never in the background
	name   string // of the method, or the beginning of the statement
	// again opens another output for what it has received; nil for a result.
	again  func(*env.Env) (*output.Output, error)
	talk   *conversation // nil: nothing is typed into it
	quiet  func()        // stops printing the responses of a job as they come; nil: nothing prints them
	call   *invoke.Call  // of a conversation
	beside bool          // it is a statement, whose output goes to a file or a program
	// session is what the call is from, and its schema.
	session *session.Session

	redirected bool   // what it prints does not go to the terminal
	assign     string // the variable that gets its responses; "": none
	shown      func() // shows what was collected of its output
}

// over reports whether it has ended.
func (w *task) over() bool {
	select {
	case <-w.Done():
		return true
	default:
		return false
	}
}

// summary says how a call ended, in pieces. For a statement that has made no call it says only
// whether it ended.
func summary(w *task) []string {
	st, pieces := w.State(), []string{"running"}
	switch over := w.over(); {
	case over && w.Err() != nil && (st.Status == nil || st.Status.Code == codes.OK):
		pieces[0] = "failed"
	case st.Status != nil && (over || !w.beside):
		pieces[0] = invoke.CodeName(st.Status.Code)
	case over:
		pieces[0] = "done"
	}
	if st.Call == nil {
		return pieces
	}
	if !st.Began.IsZero() && !st.Ended.IsZero() {
		pieces = append(pieces, human.Duration(st.Ended.Sub(st.Began)))
	}
	pieces = append(pieces, human.Count(st.Received, "message"), human.Bytes(st.Bytes))
	if st.Dropped > 0 && !w.beside {
		pieces = append(pieces, fmt.Sprintf("%d dropped unseen", st.Dropped))
	}
	return pieces
}
