package testserver

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// seeds are the orders that are there from the start, placed on the days before
// now.
func seeds(now time.Time) []*demov1.Order {
	ago := func(days int) *timestamppb.Timestamp {
		return timestamppb.New(now.AddDate(0, 0, -days).Truncate(time.Second))
	}
	euros := func(units int64, cents int32) *demov1.Money {
		return &demov1.Money{CurrencyCode: "EUR", Units: units, Nanos: cents * 10_000_000}
	}
	return []*demov1.Order{
		{
			Id: "1", Kind: demov1.Kind_KIND_BOOK, Customer: "Ada",
			ShipTo: &demov1.Address{
				Street: "12 St James's Square", City: "London", Zip: "SW1Y 4JH", Country: "GB",
				Geo: &demov1.Address_Geo{Lat: 51.5072, Lng: -0.1357},
			},
			Items:   []*demov1.Item{{Sku: "engine-notes", Qty: 1, Price: euros(18, 42)}},
			Labels:  map[string]string{"wrapping": "plain"},
			Payment: &demov1.Order_Iban{Iban: "GB00DEMO00000000000001"},
			Tags:    []string{"mathematics", "gift"}, Gift: proto.Bool(true),
			PlacedAt: ago(3), Stage: demov1.Stage_STAGE_DELIVERED, Total: euros(18, 42), WeightKg: 0.45,
		},
		{
			Id: "2", Kind: demov1.Kind_KIND_TOY, Customer: "Grace",
			ShipTo: &demov1.Address{City: "New York", Country: "US", Geo: &demov1.Address_Geo{Lat: 40.7128, Lng: -74.006}},
			Items: []*demov1.Item{
				{Sku: "bear-01", Qty: 2, Price: euros(12, 50)},
				{Sku: "moth", Qty: 1, Price: euros(0, 99)},
			},
			Counters: map[string]int64{"reminders": 2},
			Payment: &demov1.Order_Card{Card: &demov1.Card{
				Last4: "1906", Network: demov1.Card_NETWORK_BLUE, Month: 12, Year: 2030,
			}},
			Big: 9007199254740993, PlacedAt: ago(2), DeliverWithin: durationpb.New(36 * time.Hour),
			Stage: demov1.Stage_STAGE_SHIPPED, Total: euros(25, 99), Priority: proto.Int32(5), WeightKg: 1.2,
		},
		{
			Id: "3", Kind: demov1.Kind_KIND_TOY, Customer: "日本 花子",
			ShipTo:   &demov1.Address{City: "東京", Country: "JP", Geo: &demov1.Address_Geo{Lat: 35.6812, Lng: 139.7671}},
			Items:    []*demov1.Item{{Sku: "kite", Qty: 3, Price: &demov1.Money{CurrencyCode: "JPY", Units: 1200}}},
			Payment:  &demov1.Order_Cash{Cash: &demov1.Money{CurrencyCode: "JPY", Units: 4000}},
			Note:     proto.String("ベルを鳴らしてください 🔔"),
			Photo:    []byte{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'},
			PlacedAt: ago(1), Stage: demov1.Stage_STAGE_PACKED, Total: &demov1.Money{CurrencyCode: "JPY", Units: 3600},
		},
	}
}
