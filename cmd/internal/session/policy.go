package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/connect"
)

// A CallPolicy is what is done around each call, whatever the wire: waiting for the
// server, trying again, and looking after credentials. The zero value does
// nothing.
type CallPolicy struct {
	Wait  time.Duration // how long to wait for the server to be up, from the first call on; 0: not at all
	Retry int           // how often a call that got no answer is tried again

	// Fills says that the metadata of calls may have Later.
	Fills bool
	// Own are the values of this target, by the lower-case name of the header, for the
	// calls whose metadata has Later there. A header with no value is not sent.
	Own map[string]string
	// Authorize returns the value of authorization for the calls whose metadata has Later
	// there, when Own has none. fresh means that the server refused the value that it returned
	// last. It may run a program or ask a person; its errors become a *CredentialError. Nil
	// when Own has all.
	Authorize func(ctx context.Context, fresh bool) (string, error)

	// PlaintextCredentials lets secrets go unencrypted to another machine.
	PlaintextCredentials bool
	// Untrusted is the file that named the target and that nobody has vouched for:
	// no secret is sent there. "" when there is no such file.
	Untrusted string
	// Secret reports whether a header of a lower-case name with a value is a secret.
	// Nil: there are none.
	Secret func(name, value string) bool

	Say    func(text string) // tells a person what goes on; nil: nobody listens
	Jitter func() float64    // from 0 to 1, spreads retries; nil: they are not spread
}

// Later stands for a value of authorization that a CallPolicy fills in, for each target its
// own.
const Later = "\x00later"

// A CredentialError is a credential that could not be found out. Its text has no part of the
// credential.
type CredentialError struct{ Err error }

func (e *CredentialError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *CredentialError) Unwrap() error { return e.Err }

// An ExposedError is a secret that would have gone where it must not go.
type ExposedError struct {
	Header    string // the first of the secret headers
	Target    string
	Untrusted string // the file that named the target; "" when the trouble is plaintext
	Detail    string // where the target is, when its name says that it is this machine
}

func (e *ExposedError) Error() string {
	if e.Untrusted != "" {
		return fmt.Sprintf("%s is not sent to %s, which %s names: that file is not trusted", e.Header, e.Target,
			e.Untrusted)
	}
	text := fmt.Sprintf("%s is not sent to %s in plaintext: that is another machine", e.Header, e.Target)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	return text
}

// policyTransport is a transport with a CallPolicy.
type policyTransport struct {
	invoke.Transport
	policy  CallPolicy
	target  invoke.Target
	here    *connect.Here // watches where connections lead; nil: the address says it
	exposed bool          // secrets must not be sent

	asking        chan struct{} // held while asking for a credential, or reading the fields below
	authorization string        // the value in use; "": none yet
	unauthorized  error         // why there was none the last time; nil: there was one, which was refused
	asked         time.Time     // when that was

	mu    sync.Mutex
	up    bool      // the server has been reached
	until time.Time // the end of waiting; zero before the first call
	down  time.Time // when the server was last found not to be there
	said  bool      // that somebody waits
}

// withPolicy wraps a transport when there is something to take care of.
func withPolicy(t invoke.Transport, target invoke.Target, here *connect.Here, care CallPolicy) invoke.Transport {
	plaintext := target.Security == invoke.SecurityPlaintext && !target.Local() && !care.PlaintextCredentials
	exposed := plaintext || care.Untrusted != ""
	if care.PlaintextCredentials {
		here = nil
	}
	c := &policyTransport{
		Transport: t, policy: care, target: target, here: here, exposed: exposed,
		asking: make(chan struct{}, 1),
	}
	if !exposed && here == nil && !care.Fills && !c.repeats() {
		return t
	}
	return c
}

// repeats reports whether a call may be made more than once.
func (c *policyTransport) repeats() bool {
	return c.policy.Wait > 0 || c.policy.Retry > 0 || c.policy.Authorize != nil
}

// Open begins a call, and again as often as its policy allows.
func (c *policyTransport) Open(ctx context.Context, m invoke.Method, md invoke.Metadata) (invoke.Stream, error) {
	md, err := c.credential(ctx, md)
	if err != nil {
		return nil, err
	}
	if !c.repeats() {
		s, err := c.Transport.Open(ctx, m, md)
		return s, c.elsewhere(md, err)
	}
	r := &replay{c: c, ctx: ctx, method: m, md: md}
	r.until = c.waitsUntil()
	if st := r.open(); st != nil {
		return nil, c.elsewhere(md, &invoke.StatusError{Status: st})
	}
	return r, nil
}

// credential returns the metadata with the credential that was left for later. It
// refuses metadata with secrets for a target that must not get them.
func (c *policyTransport) credential(ctx context.Context, md invoke.Metadata) (invoke.Metadata, error) {
	md, asks := c.own(md)
	if err := c.guard(md); err != nil {
		return nil, refusal(codes.FailedPrecondition, err)
	}
	if !asks {
		return md, nil
	}
	v, err := c.authorized(ctx, "")
	if err != nil {
		return nil, withoutCredential(ctx, err)
	}
	return withAuthorization(md, v), nil
}

// own returns metadata with the values of this target in the place of Later, and
// without the headers that have none. It reports whether authorization is still to be
// asked for.
func (c *policyTransport) own(md invoke.Metadata) (own invoke.Metadata, asks bool) {
	cloned := false
	for _, key := range md.Keys() {
		if v := md[key]; len(v) != 1 || v[0] != Later {
			continue
		}
		if key == "authorization" && c.policy.Own[key] == "" && c.policy.Authorize != nil {
			asks = true
			continue
		}
		if !cloned {
			md, cloned = md.Clone(), true
		}
		if value := c.policy.Own[key]; value != "" {
			md[key] = []string{value}
		} else {
			delete(md, key)
		}
	}
	return md, asks
}

// withAuthorization returns metadata with another value of authorization.
func withAuthorization(md invoke.Metadata, value string) invoke.Metadata {
	md = md.Clone()
	md["authorization"] = []string{value}
	return md
}

// withoutCredential is the error of a call for which no credential could be found out.
func withoutCredential(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return refusal(codes.Canceled, err) // a person has had enough
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		// The credential may be fine.
		return invoke.DeadlinePassed("waiting for a credential", context.DeadlineExceeded).Err()
	}
	return refusal(codes.Unauthenticated, err)
}

// refusal is the error of a call that is not made.
func refusal(code codes.Code, err error) error {
	return &invoke.StatusError{Status: &invoke.Status{
		Code: code, Message: err.Error(), Origin: invoke.OriginClient,
		Cause: err,
	}}
}

// guard refuses metadata with secrets for a target that must not get them.
func (c *policyTransport) guard(md invoke.Metadata) error {
	if !c.exposed && c.here == nil {
		return nil
	}
	key := c.secretKey(md)
	if key == "" || !c.exposed && c.here.Guard() {
		return nil
	}
	return &ExposedError{Header: key, Target: c.target.String(), Untrusted: c.policy.Untrusted}
}

// secretKey returns the first key of metadata whose value is secret, "" for none.
func (c *policyTransport) secretKey(md invoke.Metadata) string {
	for _, key := range md.Keys() {
		for _, value := range md[key] {
			if c.policy.Secret != nil && c.policy.Secret(key, value) {
				return key
			}
		}
	}
	return ""
}

// elsewhere returns the error for a call with secrets, when err is that of a connection that
// led to another machine although the name of the target says this one.
func (c *policyTransport) elsewhere(md invoke.Metadata, err error) error {
	var ce *connect.Error
	if !errors.As(err, &ce) || ce.Kind != connect.Elsewhere || c.secretKey(md) == "" {
		return err
	}
	return refusal(codes.FailedPrecondition,
		&ExposedError{Header: c.secretKey(md), Target: c.target.String(), Detail: ce.Detail})
}

// sameRun is how long a failed attempt is not repeated: calls within that time belong to one
// run. A person who calls later has changed something.
const sameRun = 2 * time.Second

// authorized returns the value of authorization. It is never the value refused: then it is "".
// One call asks, and the others wait, as long as their own limits allow.
func (c *policyTransport) authorized(ctx context.Context, refused string) (string, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // select may choose either when both are ready
		return "", &CredentialError{Err: ctx.Err()}
	}
	if c.authorization != "" && c.authorization != refused {
		return c.authorization, nil
	}
	if time.Since(c.asked) < sameRun {
		return "", c.unauthorized
	}
	v, err := c.policy.Authorize(ctx, refused != "")
	if err != nil {
		err = &CredentialError{Err: err}
		if ctx.Err() == nil {
			c.unauthorized, c.asked = err, time.Now()
		}
		return "", err
	}
	c.authorization = v
	if v == refused {
		c.unauthorized, c.asked = nil, time.Now()
		return "", nil
	}
	return v, nil
}

// reached takes note that the server is there.
func (c *policyTransport) reached() {
	c.mu.Lock()
	c.up = true
	c.mu.Unlock()
}

// waitsUntil returns when a call that begins now stops waiting for the server. It is zero when
// the call does not wait, such as when calls just before it have waited in vain.
func (c *policyTransport) waitsUntil() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case c.policy.Wait == 0 || c.up:
		return time.Time{}
	case c.until.IsZero() || now.After(c.until) && now.Sub(c.down) > sameRun:
		c.until, c.said = now.Add(c.policy.Wait), false
	case now.After(c.until):
		return time.Time{}
	}
	return c.until
}

// foundDown takes note that the server was not there for a call that has ended.
func (c *policyTransport) foundDown() {
	c.mu.Lock()
	c.down = time.Now()
	c.mu.Unlock()
}

// sayWaiting says once that it waits for the server, and why.
func (c *policyTransport) sayWaiting(why string) {
	c.mu.Lock()
	said := c.said
	c.said = true
	c.mu.Unlock()
	if !said {
		c.say("%s; waiting for %s", why, c.policy.Wait)
	}
}

func (c *policyTransport) say(format string, args ...any) {
	if c.policy.Say != nil {
		c.policy.Say(fmt.Sprintf(format, args...))
	}
}

// jittered returns d, or a time that differs from it by at most a fifth.
func (c *policyTransport) jittered(d time.Duration) time.Duration {
	jitter := c.policy.Jitter
	if jitter == nil {
		return d
	}
	return time.Duration(float64(d) * (0.8 + 0.4*jitter()))
}

// describe is a status in a line.
func describe(s *invoke.Status) string {
	if s.Origin == invoke.OriginTransport && s.Cause != nil {
		return s.Cause.Error()
	}
	return cmp.Or(s.Message, "no message")
}
