package testserver

import (
	"net/http"
	"strings"
)

// What web pages may send and see
// (https://connectrpc.com/docs/cors#configurations-by-protocol). The demo has nothing to hide,
// so pages from everywhere may ask, with the headers they want.
const (
	corsMethods = "GET, POST"
	corsHeaders = "Content-Type, Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent"
	corsExposed = "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin"
	corsMaxAge  = "7200" // seconds; browsers keep it no longer
)

// allowOrigins answers what browsers ask before a page may call another origin.
func allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers",
				join(corsHeaders, r.Header.Values("Access-Control-Request-Headers")...))
			h.Set("Access-Control-Max-Age", corsMaxAge)
			h.Add("Vary", "Access-Control-Request-Headers")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(&exposing{ResponseWriter: w}, r)
	})
}

// An exposing writer lets the page see all headers of the response, unary trailers
// of Connect included: a star would not do for requests with credentials.
type exposing struct {
	http.ResponseWriter
	done bool
}

func (e *exposing) WriteHeader(code int) {
	e.expose()
	e.ResponseWriter.WriteHeader(code)
}

func (e *exposing) Write(p []byte) (int, error) {
	e.expose()
	return e.ResponseWriter.Write(p)
}

// Unwrap gives http.ResponseController what is underneath.
func (e *exposing) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// Flush sends what was written.
func (e *exposing) Flush() {
	e.expose()
	if f, ok := e.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

func (e *exposing) expose() {
	if e.done {
		return
	}
	e.done = true
	var names []string
	for name := range e.Header() {
		if !strings.HasPrefix(name, "Access-Control-") {
			names = append(names, name)
		}
	}
	e.Header().Set("Access-Control-Expose-Headers", join(corsExposed, names...))
}

func join(first string, more ...string) string {
	return strings.Join(append([]string{first}, more...), ", ")
}
