package discovery_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/rpcctl/rpcctl/discovery"
)

// A search makes several lookups that share one limit: a server that answers each question
// just in time is not waited for three times.
func TestOneLimitForASearch(t *testing.T) {
	const limit = 400 * time.Millisecond
	late := func(req *reflectpb.ServerReflectionRequest, _ int) (*reflectpb.ServerReflectionResponse, error) {
		<-time.After(limit * 7 / 10)
		if req.GetListServices() != "" {
			return listing("e.S"), nil
		}
		return refusal(int32(codes.NotFound), "no"), nil
	}
	silent := make(chan struct{})
	t.Cleanup(func() { close(silent) }) // the subtests run on after this function
	never := func(*reflectpb.ServerReflectionRequest, int) (*reflectpb.ServerReflectionResponse, error) {
		<-silent
		return nil, nil
	}
	searches := lookups()
	searches["Services"] = func(ctx context.Context, s discovery.Source) error {
		_, err := s.Services(ctx)
		return err
	}
	for server, answer := range map[string]answerer{"late": late, "never": never} {
		for name, find := range searches {
			if server == "late" && name == "Services" {
				continue // it has only one question
			}
			t.Run(server+" "+name, func(t *testing.T) {
				t.Parallel()
				r := discovery.Reflect(serve(t, answer, "v1"), discovery.ReflectOptions{Timeout: limit})
				defer r.Close()
				start := time.Now()
				err := find(t.Context(), discovery.Layer(r, discovery.Builtin()))
				if took := time.Since(start); took > 2*limit {
					t.Errorf("took %v, the limit is %v", took, limit)
				}
				wantCode(t, err, codes.Unavailable)
			})
		}
	}
}
