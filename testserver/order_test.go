package testserver

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// Whatever paths and values a client sends, an update does not panic, changes only what a path
// names, and has the same result when it is repeated.
func FuzzCopyPaths(f *testing.F) {
	for _, order := range seeds(noon) {
		wire, err := proto.Marshal(order)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("ship_to.geo.lat,ship_to", wire)
		f.Add("card.last4,iban,cash", wire)
	}
	f.Fuzz(func(t *testing.T, paths string, wire []byte) {
		from := &demov1.Order{}
		if proto.Unmarshal(wire, from) != nil {
			return
		}
		mask := &fieldmaskpb.FieldMask{Paths: strings.Split(paths, ",")}
		var wrong faults
		if checkMask(&wrong, "mask", mask, from); wrong.err() != nil {
			return
		}
		before := seeds(noon)[1]
		once := seeds(noon)[1]
		copyPaths(once, proto.CloneOf(from), mask.GetPaths())
		twice := proto.CloneOf(once)
		copyPaths(twice, proto.CloneOf(from), mask.GetPaths())
		same(t, twice, once)
		if !strings.Contains(paths, "items") {
			same(t, once.GetItems(), before.GetItems())
		}
	})
}
