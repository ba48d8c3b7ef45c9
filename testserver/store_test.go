package testserver

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func TestStoreIsBounded(t *testing.T) {
	for _, c := range []struct {
		name   string
		orders int
		size   int
	}{
		{"many", 3 * maxOrders, 0},
		{"big", 30, maxOrderBytes - 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ok[*store](t)(newStore(noon))
			for i := range c.orders {
				if err := s.put(&demov1.Order{Photo: make([]byte, c.size)}); err != nil {
					t.Fatal(err)
				}
				if len(s.records) > maxOrders || s.bytes > maxStoreBytes {
					t.Fatalf("after %d: %d orders, %d bytes", i+1, len(s.records), s.bytes)
				}
			}
			bytes := 0
			for _, r := range s.records {
				bytes += len(r.wire)
			}
			same(t, s.bytes, bytes)
			for _, name := range []string{"1", "2", "3", fmt.Sprint(1000 + c.orders)} {
				if _, found, err := s.get(name); err != nil || !found {
					t.Errorf("order %s is gone: %v", name, err)
				}
			}
			if _, found, _ := s.get("1001"); found {
				t.Error("the oldest order is still there")
			}
		})
	}
	t.Run("updates too", func(t *testing.T) {
		s := ok[*store](t)(newStore(noon))
		for range 40 {
			if err := s.put(&demov1.Order{}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 40 {
			_, _, err := s.update(fmt.Sprint(1001+i), func(o *demov1.Order) error {
				o.Photo = make([]byte, maxOrderBytes-100)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if s.bytes > maxStoreBytes {
				t.Fatalf("%d bytes", s.bytes)
			}
		}
	})
	t.Run("a failed change changes nothing", func(t *testing.T) {
		s := ok[*store](t)(newStore(noon))
		before := slices.Clone(s.records)
		refusal := errors.New("no")
		if _, _, err := s.update("1", func(o *demov1.Order) error { o.Customer = "x"; return refusal }); !errors.Is(err, refusal) {
			t.Error(err)
		}
		if _, _, err := s.update("1", func(o *demov1.Order) error { o.Customer = "\xff"; return nil }); err == nil {
			t.Error("kept what is not UTF-8")
		}
		if !slices.Equal(before, s.records) {
			t.Error("something changed")
		}
	})
}
