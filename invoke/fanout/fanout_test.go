package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/fanout"
	"github.com/rpcctl/rpcctl/invoke/grpcwire"
	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// A server answers SayHello as a test asks, and remembers which requests it saw.
type server struct {
	t       *testing.T
	address string
	grpc    *grpc.Server
	mu      sync.Mutex
	seen    map[string]int
	handle  func(ctx context.Context, name string) error // nil: success
}

// listen starts the server, at the same address when it was stopped before.
func (s *server) listen() {
	s.t.Helper()
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	var l net.Listener
	var err error
	for range 50 { // the system may take a moment to give the port back
		if l, err = net.Listen("tcp", s.address); err == nil {
			break
		}
		runtime.Gosched()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = l.Addr().String()
	s.grpc = grpc.NewServer(grpc.UnknownServiceHandler(s.serve), grpc.MaxConcurrentStreams(1000))
	go s.grpc.Serve(l)
}

func (s *server) serve(_ any, stream grpc.ServerStream) error {
	r := &demov1.HelloRequest{}
	if err := stream.RecvMsg(r); err != nil {
		return err
	}
	s.mu.Lock()
	s.seen[r.GetName()]++
	s.mu.Unlock()
	if s.handle != nil {
		if err := s.handle(stream.Context(), r.GetName()); err != nil {
			return err
		}
	}
	return stream.SendMsg(&demov1.HelloReply{Message: r.GetName()})
}

func (s *server) times(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[name]
}

func start(t *testing.T, handle func(ctx context.Context, name string) error) (*server, *invoke.Invoker) {
	t.Helper()
	s := &server{t: t, seen: map[string]int{}, handle: handle}
	s.listen()
	transport, err := grpcwire.New(t.Context(), invoke.Target{Network: "tcp", Address: s.address, Security: invoke.SecurityPlaintext}, grpcwire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.Close()
		s.grpc.Stop()
	})
	return s, &invoke.Invoker{Transport: transport}
}

var errBad = errors.New("no message")

// numbers is a list of the numbers from 0, of which some are no messages.
type numbers struct {
	n      int
	bad    map[int]bool
	wait   func(ctx context.Context, i int) error
	offset atomic.Int64
}

func (l *numbers) Next(ctx context.Context, r *fanout.Request) error {
	at := int(l.offset.Load())
	if l.wait != nil {
		if err := l.wait(ctx, at); err != nil {
			return err
		}
	}
	if at == l.n {
		return io.EOF
	}
	name := strconv.Itoa(at)
	r.Text, r.Err = append(r.Text[:0], name...), nil
	if r.Wire, r.Err = r.Wire[:0], nil; l.bad[at] {
		r.Err = errBad
	} else {
		wire, err := proto.MarshalOptions{}.MarshalAppend(r.Wire, &demov1.HelloRequest{Name: name})
		if err != nil {
			return err
		}
		r.Wire = wire
	}
	l.offset.Add(1)
	return nil
}

// account is how each request ended.
type account struct {
	order   []int // answers as they were handed on
	outcome map[int]string
	texts   map[int]string // of those that failed
	on      func(index int)
}

// sink notes the answers of one call.
type sink struct {
	a     *account
	index int
}

func (s *sink) Begin(index int, _ *fanout.Request) { s.index = index }

func (s *sink) Event(e *invoke.Event) error {
	m := &demov1.HelloReply{}
	if err := proto.Unmarshal(e.Message.Wire, m); err != nil {
		return err
	}
	if m.GetMessage() != strconv.Itoa(s.index) {
		return fmt.Errorf("request %d got the answer of %s", s.index, m.GetMessage())
	}
	s.a.order = append(s.a.order, s.index)
	return nil
}

func (a *account) done(r *fanout.Result) error {
	if _, twice := a.outcome[r.Index]; twice {
		return fmt.Errorf("request %d was reported twice", r.Index)
	}
	switch {
	case r.Stopped:
		a.outcome[r.Index] = "stopped"
	case r.Err != nil:
		a.outcome[r.Index] = "failed"
	default:
		a.outcome[r.Index] = "answered"
	}
	if r.Err != nil {
		a.texts[r.Index] = string(r.Request.Text)
	}
	if a.on != nil {
		a.on(r.Index)
	}
	return nil
}

func sayHello(t *testing.T) protoreflect.MethodDescriptor {
	t.Helper()
	return demov1.File_rpcctl_demo_v1_greeter_proto.Services().ByName("Greeter").Methods().ByName("SayHello")
}

// begin makes a run over a list, and its account.
func begin(t *testing.T, v *invoke.Invoker, list fanout.List, concurrency int) (*fanout.Run, *account) {
	t.Helper()
	a := &account{outcome: map[int]string{}, texts: map[int]string{}}
	return &fanout.Run{
		Invoker: v, Call: invoke.Call{Method: sayHello(t)}, List: list, Concurrency: concurrency,
		Sinks: func() fanout.Sink { return &sink{a: a} }, Done: a.done,
	}, a
}

// check compares the account with the summary and with what the server saw: each request below
// Next has one outcome, no request from Next on was sent, and none twice.
func (a *account) check(t *testing.T, s *server, sum *fanout.Summary, n int, bad map[int]bool) {
	t.Helper()
	count := map[string]int{}
	for i := range n {
		outcome, told := a.outcome[i]
		count[outcome]++
		sent := s.times(strconv.Itoa(i))
		switch {
		case told != (i < sum.Next):
			t.Errorf("request %d: %q, and the first not sent is %d", i, outcome, sum.Next)
		case sent > 1:
			t.Errorf("request %d was sent %d times", i, sent)
		case !told && sent > 0, bad[i] && sent > 0:
			t.Errorf("request %d was sent: %q", i, outcome)
		case outcome == "answered" && sent != 1:
			t.Errorf("request %d is answered, and was sent %d times", i, sent)
		case outcome == "answered" && !slices.Contains(a.order, i):
			t.Errorf("the answer of request %d was not handed on", i)
		case told && outcome != "answered" && a.texts[i] != strconv.Itoa(i):
			t.Errorf("request %d failed, and its text is %q", i, a.texts[i])
		}
	}
	want := [3]int{sum.Answered, sum.Failed, sum.Stopped}
	if got := [3]int{count["answered"], count["failed"], count["stopped"]}; got != want {
		t.Errorf("answered, failed, stopped: %v, and the summary says %v", got, want)
	}
	if len(a.order) != sum.Answered {
		t.Errorf("%d answers, and %d calls that were answered", len(a.order), sum.Answered)
	}
}

// everyTenth fails every tenth request.
func everyTenth(_ context.Context, name string) error {
	if strings.HasSuffix(name, "9") {
		return status.Error(codes.NotFound, "none of "+name)
	}
	return nil
}

func TestEveryRequestIsAccountedFor(t *testing.T) {
	const n = 200
	bad := map[int]bool{95: true}
	for _, unordered := range []bool{false, true} {
		for _, keepGoing := range []bool{false, true} {
			t.Run(fmt.Sprintf("unordered %v keep going %v", unordered, keepGoing), func(t *testing.T) {
				for name, c := range map[string]struct {
					handle func(context.Context, string) error
					bad    map[int]bool
					first  string
				}{
					"every tenth fails": {everyTenth, nil, "NOT_FOUND (5): none of 9"},
					"a bad line":        {nil, bad, "no message"},
					"both":              {everyTenth, bad, "NOT_FOUND (5): none of 9"},
					"all is well":       {nil, nil, ""},
				} {
					t.Run(name, func(t *testing.T) {
						s, v := start(t, c.handle)
						run, a := begin(t, v, &numbers{n: n, bad: c.bad}, 8)
						run.Unordered, run.KeepGoing = unordered, keepGoing
						sum, err := run.Do(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						a.check(t, s, sum, n, c.bad)
						first := ""
						if sum.First != nil {
							first = sum.First.Error()
						}
						// A later failure may be noticed before the first, and stop the run.
						if (first == "") != (c.first == "") || keepGoing && first != c.first {
							t.Errorf("first failure %q, want %q", first, c.first)
						}
						if sum.Complete != (keepGoing || c.first == "") {
							t.Errorf("complete: %v, next %d", sum.Complete, sum.Next)
						}
						if keepGoing && sum.Stopped > 0 {
							t.Errorf("%d stopped", sum.Stopped)
						}
					})
				}
			})
		}
	}
}

// A run that was stopped is resumed where it says, and over both runs each request is sent
// once.
func TestResume(t *testing.T) {
	const n = 200
	s, v := start(t, func(_ context.Context, name string) error {
		if name == "77" {
			return status.Error(codes.DataLoss, "lost")
		}
		return nil
	})
	next, settled := 0, map[int]int{}
	for range 2 {
		run, a := begin(t, v, &numbers{n: n}, 4)
		run.First = next
		sum, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range a.outcome {
			settled[i]++
		}
		next = sum.Next
	}
	for i := range n {
		if settled[i] != 1 || s.times(strconv.Itoa(i)) > 1 {
			t.Errorf("request %d: settled %d times, sent %d times", i, settled[i], s.times(strconv.Itoa(i)))
		}
	}
}

func TestServerThatDiesHalfWayAndComesBack(t *testing.T) {
	const n = 300
	for _, keepGoing := range []bool{false, true} {
		t.Run(fmt.Sprint("keep going ", keepGoing), func(t *testing.T) {
			s, v := start(t, nil)
			var died sync.Once
			back := make(chan struct{})
			list := &numbers{n: n, wait: func(ctx context.Context, i int) error {
				if i == n/2 {
					died.Do(func() {
						go func() {
							defer close(back)
							s.grpc.Stop()
							s.listen()
						}()
					})
				}
				if i < n-20 {
					return nil
				}
				select { // the last ones are sent when it is there again
				case <-back:
				case <-ctx.Done():
				}
				return ctx.Err()
			}}
			run, a := begin(t, v, list, 8)
			run.KeepGoing = keepGoing
			sum, err := run.Do(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			died.Do(func() { close(back) })
			<-back
			a.check(t, s, sum, n, nil)
			if keepGoing && sum.Answered < n/2-8 {
				t.Errorf("%+v", sum)
			}
		})
	}
}

func TestInterruptInTheMiddle(t *testing.T) {
	const n = 1000
	for _, keepGoing := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s, v := start(t, nil)
		run, a := begin(t, v, &numbers{n: n}, 8)
		run.KeepGoing = keepGoing
		a.on = func(i int) {
			if i == 100 {
				cancel()
			}
		}
		sum, err := run.Do(ctx)
		if err != nil {
			t.Fatal(err)
		}
		a.check(t, s, sum, n, nil)
		if sum.Complete || sum.First != nil || sum.Next < 100 {
			t.Errorf("%+v", sum)
		}
	}
}

func TestOrderUnderRandomDelays(t *testing.T) {
	const n = 1000
	s, v := start(t, func(ctx context.Context, name string) error {
		d := time.Duration(rand.Int64N(int64(2 * time.Millisecond)))
		if strings.HasSuffix(name, "00") {
			d *= 10
		}
		<-time.After(d)
		return nil
	})
	run, a := begin(t, v, &numbers{n: n}, 64)
	sum, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.check(t, s, sum, n, nil)
	want := make([]int, n)
	for i := range want {
		want[i] = i
	}
	if diff := cmp.Diff(want, a.order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// A slow call holds up the order, and after a while the reading: only a bounded number of
// requests is ahead of it.
func TestBackPressureOfASlowServer(t *testing.T) {
	const concurrency = 4
	release := make(chan struct{})
	var reached atomic.Int64
	s, v := start(t, func(ctx context.Context, name string) error {
		if name == "0" {
			<-release
		} else if i, _ := strconv.Atoi(name); int64(i) > reached.Load() {
			reached.Store(int64(i))
		}
		return nil
	})
	stuck := make(chan struct{})
	var once sync.Once
	list := &numbers{n: 1000}
	list.wait = func(_ context.Context, at int) error {
		if at == 31 { // the last one for which there is room: see slots
			once.Do(func() { close(stuck) })
		}
		return nil
	}
	go func() {
		<-stuck
		close(release)
	}()
	run, a := begin(t, v, list, concurrency)
	ahead := 0
	a.on = func(i int) {
		if i == 0 {
			ahead = int(list.offset.Load())
		}
	}
	sum, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.check(t, s, sum, 1000, nil)
	if ahead > 32 {
		t.Errorf("%d requests were read while the first was not answered", ahead)
	}
}

// A reader that does not read stops everything, and what waits is bounded.
func TestBackPressureOfASlowReader(t *testing.T) {
	s, v := start(t, nil)
	list := &numbers{n: 1500}
	run, a := begin(t, v, list, 8)
	most := 0
	a.on = func(i int) { most = max(most, int(list.offset.Load())-i) }
	sum, err := run.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a.check(t, s, sum, 1500, nil)
	if most > 8*4+16 {
		t.Errorf("%d requests were ahead of the reader", most)
	}
}

func TestSinkThatFailsStopsTheRun(t *testing.T) {
	full := errors.New("disk full")
	s, v := start(t, nil)
	run, a := begin(t, v, &numbers{n: 1000}, 8)
	run.Sinks = func() fanout.Sink { return failing{full} }
	sum, err := run.Do(t.Context())
	if !errors.Is(err, full) || sum.Next > 200 {
		t.Errorf("%v, %+v", err, sum)
	}
	for i := sum.Next; i < 1000; i++ {
		if s.times(strconv.Itoa(i)) > 0 {
			t.Errorf("request %d was sent", i)
		}
	}
	if len(a.outcome) != sum.Next {
		t.Errorf("%d outcomes of %d", len(a.outcome), sum.Next)
	}
}

type failing struct{ err error }

func (failing) Begin(int, *fanout.Request)  {}
func (f failing) Event(*invoke.Event) error { return f.err }

func TestRate(t *testing.T) {
	_, v := start(t, nil)
	run, _ := begin(t, v, &numbers{n: 11}, 8)
	run.Rate = 100
	began := time.Now()
	if _, err := run.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("11 calls at 100 a second took %v", took)
	}
}

func TestListThatCannotBeRead(t *testing.T) {
	broken := errors.New("read error")
	for _, keepGoing := range []bool{false, true} {
		s, v := start(t, nil)
		run, a := begin(t, v, &numbers{n: 100, wait: func(_ context.Context, i int) error {
			if i == 50 {
				return broken
			}
			return nil
		}}, 4)
		run.KeepGoing = keepGoing
		sum, err := run.Do(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		a.check(t, s, sum, 100, nil)
		if !errors.Is(sum.ListErr, broken) || sum.Complete || sum.Next != 50 || keepGoing && sum.Answered != 50 {
			t.Errorf("%+v", sum)
		}
	}
}
