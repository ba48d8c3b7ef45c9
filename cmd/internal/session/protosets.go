package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/internal/boundfile"
)

// The bounds of a descriptor set that is not a file.
const (
	maxSet       = 96 << 20 // bytes, which are copied as the set grows
	fetchTime    = 30 * time.Second
	maxRedirects = 5
)

// protosets reads the descriptor sets that were given, which may need one another.
func (s *Session) protosets(ctx context.Context) (*discovery.Protoset, error) {
	all := discovery.NewProtoset()
	stdin := false
	for _, name := range s.settings.Protosets {
		var err error
		switch {
		case name == "-" && stdin:
			return nil, errors.New("standard input is named twice as a descriptor set")
		case name == "-":
			stdin = true
			err = s.stdinSet(ctx, all)
		case strings.HasPrefix(name, "https://"), strings.HasPrefix(name, "http://"):
			err = fetchSet(ctx, all, name)
		default:
			err = all.AddFile(ctx, name)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Session) stdinSet(ctx context.Context, to *discovery.Protoset) error {
	data, err := readBounded(ctx, s.world.Stdin, "standard input")
	if err != nil {
		return fmt.Errorf("reading a descriptor set from standard input: %w", err)
	}
	return to.Add("standard input", data)
}

func readBounded(ctx context.Context, r io.Reader, name string) ([]byte, error) {
	if r == nil {
		return nil, nil
	}
	data, err := boundfile.Stream(ctx, r, name, maxSet)
	if errors.As(err, new(*boundfile.SizeError)) {
		err = fmt.Errorf("more than %s", boundfile.Size(maxSet)) // the caller says which file it is
	}
	return data, err
}

// A FetchError is a descriptor set that could not be fetched from its URL.
type FetchError struct {
	URL string // without what may be secret in it
	Err error
}

func (e *FetchError) Error() string {
	return fmt.Sprintf("fetching the descriptor set %s: %v", e.URL, e.Err)
}

// Unwrap returns the cause.
func (e *FetchError) Unwrap() error { return e.Err }

// ErrNotHTTPS is the cause of a FetchError for a URL whose answer anybody on the
// way could have made.
var ErrNotHTTPS = errors.New("a descriptor set is only fetched over https")

// fetchSet gets a descriptor set from a URL, over verified TLS alone.
func fetchSet(ctx context.Context, to *discovery.Protoset, name string) error {
	u, err := url.Parse(name)
	if err != nil {
		return &FetchError{URL: "URL", Err: errors.New("it is not one")} // it may hold a password
	}
	shown := *u
	shown.RawQuery, shown.Fragment = "", ""
	fail := func(err error) error { return &FetchError{URL: shown.Redacted(), Err: err} }
	if u.Scheme != "https" {
		return fail(ErrNotHTTPS)
	}
	client := &http.Client{
		Timeout: fetchTime,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			// It would contain the query, in which there may be a token.
			req.Header.Del("Referer")
			switch {
			case req.URL.Scheme != "https":
				return ErrNotHTTPS
			case len(via) > maxRedirects:
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			return nil
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fail(errors.New("it is not a URL"))
	}
	resp, err := client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL
		}
		return fail(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fail(fmt.Errorf("the server answered %s", resp.Status))
	}
	data, err := readBounded(ctx, resp.Body, "the answer")
	if err != nil {
		return fail(err)
	}
	return to.Add(shown.Redacted(), data)
}
