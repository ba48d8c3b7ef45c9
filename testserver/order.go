package testserver

import (
	"fmt"
	"math/big"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

// maxSKU bounds the name of an article, in bytes: names are kept.
const maxSKU = 128

// checkOrder records what is wrong with an order; at is a prefix for the names of its fields.
func checkOrder(f *faults, at string, order *demov1.Order) {
	for i, item := range order.GetItems() {
		checkItem(f, fmt.Sprintf("%sitems[%d].", at, i), item)
	}
	if geo := order.GetShipTo().GetGeo(); geo != nil {
		// It is written so that NaN is a fault, too.
		if !(geo.GetLat() >= -90 && geo.GetLat() <= 90) {
			f.add(at+"ship_to.geo.lat", "must be -90 to 90, not %v", geo.GetLat())
		}
		if !(geo.GetLng() >= -180 && geo.GetLng() <= 180) {
			f.add(at+"ship_to.geo.lng", "must be -180 to 180, not %v", geo.GetLng())
		}
	}
	if card := order.GetCard(); card != nil && card.GetMonth() != 0 {
		f.within(at+"card.month", int64(card.GetMonth()), 1, 12)
	}
	checkMoney(f, at+"cash", order.GetCash())
	f.within(at+"priority", int64(order.GetPriority()), 0, 9)
	if placed := order.GetPlacedAt(); placed != nil && !placed.IsValid() {
		f.add(at+"placed_at", "is not a time: %v", placed.CheckValid())
	}
	if within := order.GetDeliverWithin(); within != nil && !within.IsValid() {
		f.add(at+"deliver_within", "is not a duration: %v", within.CheckValid())
	}
}

func checkItem(f *faults, at string, item *demov1.Item) {
	if item.GetQty() < 0 {
		f.add(at+"qty", "must not be negative, as %d is", item.GetQty())
	}
	if len(item.GetSku()) > maxSKU {
		f.add(at+"sku", "must have at most %d bytes, not %d", maxSKU, len(item.GetSku()))
	}
	checkMoney(f, at+"price", item.GetPrice())
}

func checkMoney(f *faults, at string, m *demov1.Money) {
	if m == nil {
		return
	}
	f.within(at+".nanos", int64(m.GetNanos()), -999_999_999, 999_999_999)
	if m.GetUnits() > 0 && m.GetNanos() < 0 || m.GetUnits() < 0 && m.GetNanos() > 0 {
		f.add(at+".nanos", "must have the sign of units")
	}
}

// checkSize refuses an order that is too big to keep.
func checkSize(order *demov1.Order) error {
	size := proto.Size(order)
	if size <= maxOrderBytes {
		return nil
	}
	message := fmt.Sprintf("the order has %d bytes, and the shop keeps at most %d", size, maxOrderBytes)
	return failure(codes.ResourceExhausted, message, &errdetails.QuotaFailure{
		Violations: []*errdetails.QuotaFailure_Violation{{Subject: "order", Description: message}},
	})
}

// total adds up what items cost. It is nil when no item has a price or when
// they do not share a currency.
func total(f *faults, items []*demov1.Item) *demov1.Money {
	nano := big.NewInt(1_000_000_000)
	sum := new(big.Int)
	var currency string
	priced := false
	for _, item := range items {
		price := item.GetPrice()
		if price == nil {
			continue
		}
		if priced && price.GetCurrencyCode() != currency {
			return nil
		}
		priced, currency = true, price.GetCurrencyCode()
		one := new(big.Int).Mul(big.NewInt(price.GetUnits()), nano)
		one.Add(one, big.NewInt(int64(price.GetNanos())))
		sum.Add(sum, one.Mul(one, big.NewInt(int64(item.GetQty()))))
	}
	if !priced {
		return nil
	}
	units, nanos := new(big.Int).QuoRem(sum, nano, new(big.Int))
	if !units.IsInt64() {
		f.add("items", "cost more than money can count")
		return nil
	}
	return &demov1.Money{CurrencyCode: currency, Units: units.Int64(), Nanos: int32(nanos.Int64())}
}

// updatePaths returns which fields an update changes.
func updatePaths(f *faults, r *demov1.UpdateOrderRequest) []string {
	checkMask(f, "update_mask", r.GetUpdateMask(), &demov1.Order{})
	set := func(path string) bool { return path == "id" || path == "stage" || path == "total" }
	paths := r.GetUpdateMask().GetPaths()
	for _, path := range paths {
		if first, _, _ := strings.Cut(path, "."); set(first) {
			f.add("update_mask", "must not name %s, which the shop sets", first)
		}
	}
	if len(paths) > 0 {
		return paths
	}
	r.GetOrder().ProtoReflect().Range(func(field protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if name := string(field.Name()); !set(name) {
			paths = append(paths, name)
		}
		return true
	})
	return paths
}

// checkMask records the first path that message does not have.
func checkMask(f *faults, at string, mask *fieldmaskpb.FieldMask, message proto.Message) {
	for _, path := range mask.GetPaths() {
		if _, err := fieldmaskpb.New(message, path); err != nil {
			f.add(at, "names %.80q, which an order does not have", path)
			return
		}
	}
}

// copyPaths makes the fields of to that paths name equal to those of from: set, or cleared
// where from has none. The paths must be valid. Both messages share the values afterwards.
func copyPaths(to, from proto.Message, paths []string) {
	for _, path := range paths {
		copyPath(to.ProtoReflect(), from.ProtoReflect(), path)
	}
}

func copyPath(to, from protoreflect.Message, path string) {
	name, rest, deeper := strings.Cut(path, ".")
	field := from.Descriptor().Fields().ByName(protoreflect.Name(name))
	switch {
	case !deeper && from.Has(field):
		to.Set(field, from.Get(field))
	case !deeper:
		to.Clear(field)
	case from.Has(field):
		copyPath(to.Mutable(field).Message(), from.Get(field).Message(), rest)
	case to.Has(field):
		// An empty message stands in for the missing one, and clears.
		copyPath(to.Mutable(field).Message(), from.Get(field).Message(), rest)
	}
}
