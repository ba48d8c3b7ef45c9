package nearest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	names := []string{"shop.v1.Shop/PlaceOrder", "shop.v1.Shop/GetOrder", "shop.v1.Shop/ListOrders", "lab.v1.Lab/Fail"}
	tests := []struct {
		name string
		max  int
		want []string
	}{
		{"shop.v1.Shop/PlaceOder", 3, []string{"shop.v1.Shop/PlaceOrder"}},
		{"placeorder", 1, []string{"shop.v1.Shop/PlaceOrder"}},
		{"Place", 3, []string{"shop.v1.Shop/PlaceOrder"}},
		{"GteOrder", 3, []string{"shop.v1.Shop/GetOrder"}},
		{"Fial", 3, []string{"lab.v1.Lab/Fail"}},
		{"zzzzzzzz", 3, nil},
		{"", 3, nil},
		{"Fail", 0, nil},
		{"shop.v1.Shopp", 3, nil},
		{"lab.v1.Lab/Faill", 3, []string{"lab.v1.Lab/Fail"}},
		{strings.Repeat("x", 100_000), 3, nil},
	}
	for _, test := range tests {
		t.Run(test.name[:min(len(test.name), 32)], func(t *testing.T) {
			if diff := cmp.Diff(test.want, Names(test.name, names, test.max)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Names that are too far apart have a distance of one more than the limit.
func TestDistance(t *testing.T) {
	long := strings.Repeat("x", maxLength+1)
	for _, test := range []struct {
		a, b        string
		limit, want int
	}{
		{"", "", 3, 0},
		{"order", "order", 0, 0},
		{"oder", "order", 3, 1},
		{"orrder", "order", 3, 1},
		{"irder", "order", 3, 1},
		{"roder", "order", 3, 1},
		{"abcd", "badc", 3, 2},
		{"abc", "xyz", 2, 3},
		{"abc", "xyz", 3, 3},
		{"ab", "abcdef", 3, 4},
		{long, long, 3, 4},
	} {
		if got := Distance(test.a, test.b, test.limit); got != test.want {
			t.Errorf("%.10q and %.10q within %d: %d, want %d", test.a, test.b, test.limit, got, test.want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "pkg.Svc/Method", "a..b", "///", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		candidates := []string{"pkg.Svc/Method", s, strings.ToUpper(s)}
		for _, name := range Names(s, candidates, 3) {
			if !slices.Contains(candidates, name) {
				t.Errorf("%q is none of the candidates", name)
			}
		}
	})
}

// BenchmarkNames is the search for near names among those of a large schema.
func BenchmarkNames(b *testing.B) {
	var names []string
	for i := range 10_000 {
		names = append(names, fmt.Sprintf("big.p%d.v1.Service%d/Do%d", i, i%7, i%13))
	}
	b.ReportAllocs()
	for b.Loop() {
		if near := Names("big.p77.v1.Servce0/Do12", names, 3); len(near) == 0 {
			b.Fatal("nothing is near")
		}
	}
}
