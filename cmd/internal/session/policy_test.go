package session

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// asked makes a policyTransport whose credentials come from authorize.
func asked(authorize func(ctx context.Context, fresh bool) (string, error)) *policyTransport {
	return withPolicy(nil, invoke.Target{}, nil, CallPolicy{Authorize: authorize}).(*policyTransport)
}

// A call that waits for a credential which another call asks for ends with its own context.
func TestWaitingForACredentialEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asking := make(chan struct{})
		c := asked(func(ctx context.Context, _ bool) (string, error) {
			close(asking)
			<-ctx.Done() // a program that hangs
			return "", ctx.Err()
		})
		first, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := c.authorized(first, "")
			ended <- err
		}()
		<-asking
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		md := invoke.Metadata{"authorization": {Later}}
		_, err := c.Open(ctx, invoke.Method{}, md)
		if st := invoke.StatusOf(err); st.Code != codes.DeadlineExceeded || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		c.reached() // reached is not blocked by it
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		_, err = c.Open(first, invoke.Method{}, md)
		if st := invoke.StatusOf(err); st.Code != codes.Canceled {
			t.Error(err)
		}
	})
}

// The calls of one run share the failure of a program, and do not run it again; later it is
// run again.
func TestFailedCredentialsAreAskedForLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, works := 0, false
		c := asked(func(context.Context, bool) (string, error) {
			if runs++; works {
				return "Bearer x", nil
			}
			return "", errors.New("no network")
		})
		for range 3 {
			if _, err := c.authorized(t.Context(), ""); err == nil || err.Error() != "no network" || !errors.As(err, new(*CredentialError)) {
				t.Errorf("%v", err)
			}
		}
		works = true
		time.Sleep(sameRun)
		if v, err := c.authorized(t.Context(), ""); v != "Bearer x" || err != nil || runs != 2 {
			t.Errorf("%s, %v after %d runs", v, err, runs)
		}
	})
}

// A program that prints a refused token again is not run for each call of a run.
func TestRefusedCredentialsAreAskedForLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fresh []bool
		token := "old"
		c := asked(func(_ context.Context, again bool) (string, error) {
			fresh = append(fresh, again)
			return token, nil
		})
		if v, err := c.authorized(t.Context(), ""); v != "old" || err != nil {
			t.Errorf("%s, %v", v, err)
		}
		for range 3 {
			if v, err := c.authorized(t.Context(), "old"); v != "" || err != nil {
				t.Errorf("%s, %v", v, err)
			}
		}
		token = "new"
		time.Sleep(sameRun)
		for range 3 { // all of these were sent with the old token
			if v, err := c.authorized(t.Context(), "old"); v != "new" || err != nil {
				t.Errorf("%s, %v", v, err)
			}
		}
		if diff := cmp.Diff([]bool{false, true, true}, fresh); diff != "" {
			t.Error(diff)
		}
	})
}

// downTransport is a server that is not there.
type downTransport struct {
	invoke.Transport
	opened int
}

func (d *downTransport) Open(context.Context, invoke.Method, invoke.Metadata) (invoke.Stream, error) {
	d.opened++
	ce := &connect.Error{Kind: connect.Refused, Address: "a:1"}
	return nil, refusalOf(ce)
}

func refusalOf(ce *connect.Error) error {
	return &invoke.StatusError{Status: &invoke.Status{Code: codes.Unavailable, Message: ce.Error(), Origin: invoke.OriginTransport, Cause: ce}}
}

// The calls of a run wait for a server once; a later call waits again, and each tries at least
// once.
func TestWaitsOnceInARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down, said := &downTransport{}, 0
		c := withPolicy(down, invoke.Target{}, nil, CallPolicy{Wait: 10 * time.Second, Say: func(string) { said++ }}).(*policyTransport)
		for i, tt := range []struct {
			pause, want time.Duration
			text        string
		}{
			{0, 10 * time.Second, "a:1: connection refused: waited 10s for it"},
			{time.Second, 0, "a:1: connection refused"},
			{time.Second, 0, "a:1: connection refused"},
			{time.Minute, 10 * time.Second, "a:1: connection refused: waited 10s for it"},
		} {
			time.Sleep(tt.pause)
			began, before := time.Now(), down.opened
			_, err := c.Open(t.Context(), invoke.Method{}, nil)
			if took := time.Since(began); err == nil || !strings.HasSuffix(err.Error(), tt.text) || took != tt.want || down.opened == before {
				t.Errorf("%d: %v after %s, %d attempts", i, err, took, down.opened-before)
			}
		}
		if said != 2 {
			t.Errorf("said %d times", said)
		}
	})
}

// answer is a stream that knows of an HTTP response.
type answer struct{ ended }

func (answer) Header() invoke.Metadata { return invoke.Metadata{} }
func (answer) HTTP() (int, string)     { return 429, "2" }

// onceTransport refuses the first call and gives its answer to the second.
type onceTransport struct {
	invoke.Transport
	opened int
}

func (o *onceTransport) Open(context.Context, invoke.Method, invoke.Metadata) (invoke.Stream, error) {
	if o.opened++; o.opened == 1 {
		return nil, refusalOf(&connect.Error{Kind: connect.Refused, Address: "a:1"})
	}
	return answer{ended{&invoke.Status{Code: codes.Unauthenticated, Origin: invoke.OriginServer}}}, nil
}

// The HTTP status and version pass through the policy.
func TestTellsOfTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := withPolicy(&onceTransport{}, invoke.Target{}, nil, CallPolicy{Retry: 1})
		s, err := c.Open(t.Context(), invoke.Method{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		h, ok := s.(invoke.HTTPStream)
		if !ok {
			t.Fatal("it does not tell")
		}
		h.Header()
		if code, version := h.HTTP(); code != 429 || version != "2" {
			t.Errorf("%d, %s", code, version)
		}
	})
}

// Each target gets its own values for Later in the metadata, and a header without a value is
// not sent. The metadata of the call, which other targets share, does not change.
func TestOwnValues(t *testing.T) {
	program := func(context.Context, bool) (string, error) { return "Bearer x", nil }
	for _, tt := range []struct {
		name      string
		md        invoke.Metadata
		own       map[string]string
		authorize func(context.Context, bool) (string, error)
		want      invoke.Metadata
		asks      bool
	}{
		{"nothing is left for later", invoke.Metadata{"x": {"1"}}, map[string]string{"x": "2"}, nil, invoke.Metadata{"x": {"1"}}, false},
		{"its own", invoke.Metadata{"x": {Later}, "y": {"1"}}, map[string]string{"x": "2"}, nil, invoke.Metadata{"x": {"2"}, "y": {"1"}}, false},
		{"none of its own", invoke.Metadata{"x": {Later}, "y": {"1"}}, nil, nil, invoke.Metadata{"y": {"1"}}, false},
		{"an empty one", invoke.Metadata{"x": {Later}}, map[string]string{"x": ""}, nil, invoke.Metadata{}, false},
		{"two of them", invoke.Metadata{"x": {Later}, "y": {Later}}, map[string]string{"x": "1", "y": "2"}, nil, invoke.Metadata{"x": {"1"}, "y": {"2"}}, false},
		{"authorization of its own", invoke.Metadata{"authorization": {Later}}, map[string]string{"authorization": "Bearer y"}, program, invoke.Metadata{"authorization": {"Bearer y"}}, false},
		{"authorization to ask for", invoke.Metadata{"authorization": {Later}}, nil, program, invoke.Metadata{"authorization": {Later}}, true},
		{"authorization that nobody knows", invoke.Metadata{"authorization": {Later}}, nil, nil, invoke.Metadata{}, false},
		{"another header and a program", invoke.Metadata{"x": {Later}}, nil, program, invoke.Metadata{}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.md.Clone()
			c := &policyTransport{policy: CallPolicy{Own: tt.own, Authorize: tt.authorize}}
			got, asks := c.own(tt.md)
			if diff := cmp.Diff(tt.want, got); diff != "" || asks != tt.asks {
				t.Errorf("asks: %t; %s", asks, diff)
			}
			if diff := cmp.Diff(before, tt.md); diff != "" {
				t.Errorf("the call's own metadata changed: %s", diff)
			}
		})
	}
}

// A policy that asks for nothing leaves the transport as it is.
func TestPolicyThatDoesNothing(t *testing.T) {
	plain := &downTransport{}
	for _, tt := range []struct {
		name   string
		target string
		policy CallPolicy
		same   bool
	}{
		{"nothing", "https://h.example:443", CallPolicy{}, true},
		{"plaintext to this machine", "http://127.0.0.1:80", CallPolicy{}, true},
		{"plaintext to another machine", "http://h.example:80", CallPolicy{}, false},
		{"plaintext to another machine, allowed", "http://h.example:80", CallPolicy{PlaintextCredentials: true}, true},
		{"not trusted", "https://h.example:443", CallPolicy{Untrusted: "f.yaml"}, false},
		{"values for later", "https://h.example:443", CallPolicy{Fills: true}, false},
		{"retries", "https://h.example:443", CallPolicy{Retry: 1}, false},
		{"waiting", "https://h.example:443", CallPolicy{Wait: time.Second}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target, err := invoke.ParseTarget(tt.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := withPolicy(plain, target, nil, tt.policy); (got == invoke.Transport(plain)) != tt.same {
				t.Errorf("got %T", got)
			}
		})
	}
}

// Retries of many clients are spread over a fifth before and after.
func TestJittered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		jitter func() float64
		want   time.Duration
	}{
		{"not spread", nil, time.Second},
		{"the least", func() float64 { return 0 }, 800 * time.Millisecond},
		{"the middle", func() float64 { return 0.5 }, time.Second},
		{"the most", func() float64 { return 1 }, 1200 * time.Millisecond},
	} {
		c := &policyTransport{policy: CallPolicy{Jitter: tt.jitter}}
		if got := c.jittered(time.Second); got.Round(time.Millisecond) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// An error of Open without a status is one of the connection.
func TestStatusOfAnyError(t *testing.T) {
	cause := errors.New("it is Monday")
	want := &invoke.Status{Code: codes.Unavailable, Message: "it is Monday", Origin: invoke.OriginTransport, Cause: cause}
	if got := invoke.StatusOf(cause); got.Code != want.Code || got.Message != want.Message || got.Origin != want.Origin || got.Cause != cause {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
