package globals

import (
	"strings"
	"testing"

	"github.com/rpcctl/rpcctl/cmd/internal/env"
	"github.com/rpcctl/rpcctl/invoke"
)

func FuzzParseHeader(f *testing.F) {
	for _, seed := range []string{"a: b", "a=b", "x-bin: AAE=", "grpc-x: 1", ": v", "A B: c", "a:\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "@") {
			return // the name of a file, which is read, and is told where it is not there
		}
		h := headerFlags{}
		md, err := h.metadata(t.Context(), &env.Env{}, []string{text})
		if err != nil {
			if _, value, ok := strings.Cut(text, ":"); ok && len(value) > 8 && strings.Contains(err.Error(), value) {
				t.Errorf("%v shows the value of %q", err, text)
			}
			return
		}
		for name, values := range md {
			if !invoke.ValidKey(name) || len(values) != 1 {
				t.Errorf("%q gave %v", text, md)
			}
		}
	})
}
