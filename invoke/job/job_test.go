package job_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
)

// script is a call that reports n messages, each at a step.
func script(n int, step <-chan struct{}) func(context.Context, invoke.Sink) error {
	return func(ctx context.Context, sink invoke.Sink) error {
		if err := sink.Event(&invoke.Event{Kind: invoke.Opened}); err != nil {
			return err
		}
		for i := range n {
			if step != nil {
				select {
				case <-step:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			if err := sink.Event(&invoke.Event{Kind: invoke.ResponseReceived, Seq: i, Message: &invoke.Message{Wire: []byte(fmt.Sprint(i))}}); err != nil {
				return err
			}
		}
		return sink.Event(&invoke.Event{Kind: invoke.Finished, Status: &invoke.Status{Code: codes.OK}})
	}
}

// collector is a sink that notes messages.
type collector struct {
	got []string
	on  func(n int) error
}

func (c *collector) Event(e *invoke.Event) error {
	if e.Kind != invoke.ResponseReceived {
		return nil
	}
	c.got = append(c.got, string(e.Message.Wire))
	if c.on != nil {
		return c.on(len(c.got))
	}
	return nil
}

func numbers(from, to int) []string {
	var s []string
	for i := from; i < to; i++ {
		s = append(s, fmt.Sprint(i))
	}
	return s
}

func TestFollowerMissesNothing(t *testing.T) {
	go1 := make(chan struct{})
	j := job.Start(t.Context(), job.Options{Events: 4}, script(100, go1))
	c := &collector{}
	go func() {
		for range 100 {
			go1 <- struct{}{}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	c.on = func(n int) error {
		if n == 3 {
			cancel()
		}
		return nil
	}
	// Until it is followed, the job may have dropped some: begin with the first that is kept.
	if err := j.Follow(ctx, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if len(c.got) != 3 {
		t.Errorf("got %v", c.got)
	}
}

func TestSlowFollowerHoldsTheCall(t *testing.T) {
	begin := make(chan struct{})
	j := job.Start(t.Context(), job.Options{Events: 4}, func(ctx context.Context, s invoke.Sink) error {
		<-begin
		return script(100, nil)(ctx, s)
	})
	c := &collector{on: func(int) error {
		runtime.Gosched() // lets the call run ahead as far as it may
		return nil
	}}
	go close(begin)
	done := make(chan error)
	go func() { done <- j.Follow(t.Context(), c) }()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	got := len(c.got) + j.State().Dropped
	if got != 100 {
		t.Errorf("%d messages seen or told of as dropped, of 100", got)
	}
}

func TestNobodyFollows(t *testing.T) {
	j := job.Start(t.Context(), job.Options{Events: 6}, script(100, nil))
	if err := j.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &collector{}
	if err := j.Follow(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(numbers(95, 100), c.got); diff != "" {
		t.Error(diff)
	}
	s := j.State()
	if s.Received != 100 || s.Dropped != 95 || s.Status.Code != codes.OK {
		t.Errorf("%+v", s)
	}
	again := &collector{}
	if err := j.Follow(t.Context(), again); err != nil || len(again.got) != 0 {
		t.Errorf("followed twice: %v %v", again.got, err)
	}
	if err := j.Replay(again); err != nil || len(again.got) != 5 {
		t.Errorf("replayed %v %v", again.got, err)
	}
}

func TestBytesAreBounded(t *testing.T) {
	j := job.Start(t.Context(), job.Options{Bytes: 10}, script(100, nil))
	if err := j.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(j.Messages(invoke.ResponseReceived)); n > 6 || n < 4 {
		t.Errorf("%d messages of two bytes kept in ten", n)
	}
}

// Jobs of one store together keep no more than it has room for: the oldest drop events first.
func TestStoreIsBounded(t *testing.T) {
	var store job.Store
	wire := make([]byte, 5<<20)
	long := func(ctx context.Context, sink invoke.Sink) error {
		for i := range 4 {
			if err := sink.Event(&invoke.Event{Kind: invoke.ResponseReceived, Seq: i, Message: &invoke.Message{Wire: wire}}); err != nil {
				return err
			}
		}
		return nil
	}
	var jobs []*job.Job
	for i := range 12 {
		j := job.Start(t.Context(), job.Options{Store: &store}, long)
		jobs = append(jobs, j)
		if err := j.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, j := range jobs {
			st := j.State()
			if kept += st.Kept; st.Kept != len(j.Messages(invoke.ResponseReceived)) || st.Received != 4 {
				t.Errorf("%d of %d are said to be kept, and %d are", st.Kept, st.Received, len(j.Messages(invoke.ResponseReceived)))
			}
		}
		if st := j.State(); st.Kept != 4 {
			t.Errorf("job %d: the newest keeps %d", i, st.Kept)
		}
		if kept*len(wire) > job.StoreBytes {
			t.Errorf("job %d: %d messages are kept", i, kept)
		}
	}
	if n := jobs[0].State().Kept; n != 0 {
		t.Errorf("the oldest keeps %d messages", n)
	}
	followed := &collector{}
	if err := job.Start(t.Context(), job.Options{Store: &store}, long).Follow(t.Context(), followed); err != nil || len(followed.got) != 4 {
		t.Errorf("a follower saw %d messages, and %v", len(followed.got), err)
	}
}

func TestCancel(t *testing.T) {
	j := job.Start(t.Context(), job.Options{}, script(1, make(chan struct{})))
	j.Cancel()
	if err := j.Wait(t.Context()); !errors.Is(err, context.Canceled) || !errors.Is(j.Err(), context.Canceled) {
		t.Error(err)
	}
}

func TestSinkFails(t *testing.T) {
	boom := errors.New("boom")
	j := job.Start(t.Context(), job.Options{}, script(3, nil))
	if err := j.Follow(t.Context(), &collector{on: func(int) error { return boom }}); err != boom {
		t.Error(err)
	}
	<-j.Done()
}

func TestOneFollower(t *testing.T) {
	j := job.Start(t.Context(), job.Options{}, script(1, make(chan struct{})))
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan struct{})
	ended := make(chan error)
	go func() {
		ended <- j.Follow(ctx, invoke.SinkFunc(func(*invoke.Event) error { close(first); return nil }))
	}()
	<-first
	if err := j.Follow(ctx, &collector{}); err != job.ErrFollowed {
		t.Error(err)
	}
	cancel()
	<-ended
	j.Cancel()
	<-j.Done()
}
