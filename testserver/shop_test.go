package testserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

func money(currency string, units int64, nanos int32) *demov1.Money {
	return &demov1.Money{CurrencyCode: currency, Units: units, Nanos: nanos}
}

// bad is the detail of INVALID_ARGUMENT: fields and what is wrong with them.
func bad(faults ...string) *errdetails.BadRequest {
	b := &errdetails.BadRequest{}
	for i := 0; i < len(faults); i += 2 {
		b.FieldViolations = append(b.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: faults[i], Description: faults[i+1]})
	}
	return b
}

func TestPlaceOrder(t *testing.T) {
	earlier := timestamppb.New(noon.Add(-time.Hour))
	for _, c := range []struct {
		name        string
		order, want *demov1.Order
	}{
		{
			"named",
			&demov1.Order{Id: "a", Kind: demov1.Kind_KIND_TOY},
			&demov1.Order{Id: "a", Kind: demov1.Kind_KIND_TOY, Stage: demov1.Stage_STAGE_PLACED, PlacedAt: timestamppb.New(noon)},
		},
		{
			"empty",
			&demov1.Order{},
			&demov1.Order{Id: "1001", Stage: demov1.Stage_STAGE_PLACED, PlacedAt: timestamppb.New(noon)},
		},
		{
			"what the shop sets is not the client's to say",
			&demov1.Order{Id: "b", Stage: demov1.Stage_STAGE_DELIVERED, Total: money("EUR", 1, 0), PlacedAt: earlier},
			&demov1.Order{Id: "b", Stage: demov1.Stage_STAGE_PLACED, PlacedAt: earlier},
		},
		{
			"sum",
			&demov1.Order{Id: "c", PlacedAt: earlier, Items: []*demov1.Item{
				{Sku: "x", Qty: 3, Price: money("EUR", 1, 500_000_000)}, {Sku: "free", Qty: 9}, {Sku: "y", Qty: 1, Price: money("EUR", 0, 10_000_000)},
			}},
			&demov1.Order{Id: "c", PlacedAt: earlier, Stage: demov1.Stage_STAGE_PLACED, Total: money("EUR", 4, 510_000_000), Items: []*demov1.Item{
				{Sku: "x", Qty: 3, Price: money("EUR", 1, 500_000_000)}, {Sku: "free", Qty: 9}, {Sku: "y", Qty: 1, Price: money("EUR", 0, 10_000_000)},
			}},
		},
		{
			"no sum of two currencies",
			&demov1.Order{Id: "d", PlacedAt: earlier, Items: []*demov1.Item{{Qty: 1, Price: money("EUR", 1, 0)}, {Qty: 1, Price: money("USD", 1, 0)}}},
			&demov1.Order{
				Id: "d", PlacedAt: earlier, Stage: demov1.Stage_STAGE_PLACED,
				Items: []*demov1.Item{{Qty: 1, Price: money("EUR", 1, 0)}, {Qty: 1, Price: money("USD", 1, 0)}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, conn := start(t, Options{})
			shop := demov1.NewShopClient(conn)
			same(t, ok[*demov1.Order](t)(shop.PlaceOrder(within(t), c.order)), c.want)
			same(t, ok[*demov1.Order](t)(shop.GetOrder(within(t), &demov1.GetOrderRequest{Id: c.want.Id})), c.want)
			same(t, ok[*demov1.Order](t)(shop.GetOrder(within(t), &demov1.GetOrderRequest{})), c.want)
		})
	}
}

func TestPlaceOrderRefused(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	geo := func(lat, lng float64) *demov1.Order {
		return &demov1.Order{ShipTo: &demov1.Address{Geo: &demov1.Address_Geo{Lat: lat, Lng: lng}}}
	}
	for _, c := range []struct {
		name    string
		order   *demov1.Order
		message string
		detail  *errdetails.BadRequest
	}{
		{
			"quantity", &demov1.Order{Items: []*demov1.Item{{Qty: 1}, {Qty: -2}}},
			"items[1].qty must not be negative, as -2 is", bad("items[1].qty", "must not be negative, as -2 is"),
		},
		{
			"several", &demov1.Order{Priority: proto.Int32(10), Payment: &demov1.Order_Card{Card: &demov1.Card{Month: 13}}},
			"card.month must be 1 to 12, not 13, and 1 more",
			bad("card.month", "must be 1 to 12, not 13", "priority", "must be 0 to 9, not 10"),
		},
		{"north", geo(90.5, 0), "ship_to.geo.lat must be -90 to 90, not 90.5", bad("ship_to.geo.lat", "must be -90 to 90, not 90.5")},
		{"nowhere", geo(0, math.NaN()), "ship_to.geo.lng must be -180 to 180, not NaN", bad("ship_to.geo.lng", "must be -180 to 180, not NaN")},
		{
			"signs", &demov1.Order{Payment: &demov1.Order_Cash{Cash: money("EUR", 1, -1)}},
			"cash.nanos must have the sign of units", bad("cash.nanos", "must have the sign of units"),
		},
		{
			"sum", &demov1.Order{Items: []*demov1.Item{{Qty: 2, Price: money("EUR", math.MaxInt64, 0)}}},
			"items cost more than money can count", bad("items", "cost more than money can count"),
		},
		{
			"name of an article", &demov1.Order{Items: []*demov1.Item{{Sku: strings.Repeat("x", 129)}}},
			"items[0].sku must have at most 128 bytes, not 129", bad("items[0].sku", "must have at most 128 bytes, not 129"),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := shop.PlaceOrder(within(t), c.order)
			refused(t, err, codes.InvalidArgument, c.message, c.detail)
		})
	}
	t.Run("time", func(t *testing.T) {
		for _, order := range []*demov1.Order{
			{PlacedAt: &timestamppb.Timestamp{Nanos: -1}},
			{DeliverWithin: &durationpb.Duration{Seconds: 1, Nanos: -1}},
		} {
			if _, err := shop.PlaceOrder(within(t), order); grpcCode(err) != codes.InvalidArgument {
				t.Errorf("%v: %v", order, err)
			}
		}
	})
	t.Run("size", func(t *testing.T) {
		_, err := shop.PlaceOrder(within(t), &demov1.Order{Photo: make([]byte, maxOrderBytes)})
		message := fmt.Sprintf("the order has %d bytes, and the shop keeps at most %d", maxOrderBytes+5, maxOrderBytes)
		refused(t, err, codes.ResourceExhausted, message,
			&errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{{Subject: "order", Description: message}}})
	})
}

func TestGetOrder(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	t.Run("mask", func(t *testing.T) {
		got := ok[*demov1.Order](t)(shop.GetOrder(within(t), &demov1.GetOrderRequest{
			Id: "2", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"id", "ship_to.city", "note", "card.last4"}},
		}))
		same(t, got, &demov1.Order{
			Id: "2", ShipTo: &demov1.Address{City: "New York"}, Payment: &demov1.Order_Card{Card: &demov1.Card{Last4: "1906"}},
		})
	})
	t.Run("mask that names a thing twice", func(t *testing.T) {
		request := &demov1.GetOrderRequest{Id: "1", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"ship_to", "ship_to.city", "ship_to"}}}
		got := ok[*demov1.Order](t)(shop.GetOrder(within(t), request))
		same(t, got, &demov1.Order{ShipTo: seeds(noon)[0].GetShipTo()})
	})
	t.Run("bad mask", func(t *testing.T) {
		for _, path := range []string{"colour", "", "ship_to.", "items.sku", "labels.x"} {
			_, err := shop.GetOrder(within(t), &demov1.GetOrderRequest{ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"id", path}}})
			description := fmt.Sprintf("names %q, which an order does not have", path)
			refused(t, err, codes.InvalidArgument, "read_mask "+description, bad("read_mask", description))
		}
	})
	t.Run("none", func(t *testing.T) {
		_, err := shop.GetOrder(within(t), &demov1.GetOrderRequest{Id: "17"})
		refused(t, err, codes.NotFound, `no order "17"`, &errdetails.ResourceInfo{
			ResourceType: "rpcctl.demo.v1.Order", ResourceName: "17", Description: "ListOrders tells which orders there are",
		})
	})
}

func TestListOrders(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	for i := range 7 {
		ok[*demov1.Order](t)(shop.PlaceOrder(within(t), &demov1.Order{Id: fmt.Sprint("n", i), Kind: demov1.Kind(i % 3)}))
	}
	// Placing it again moves it to the end.
	ok[*demov1.Order](t)(shop.PlaceOrder(within(t), &demov1.Order{Id: "n0"}))

	pages := func(t *testing.T, request *demov1.ListOrdersRequest) (pages [][]string, total int32) {
		t.Helper()
		for {
			reply := ok[*demov1.ListOrdersReply](t)(shop.ListOrders(within(t), request))
			var names []string
			for _, order := range reply.GetOrders() {
				names = append(names, order.GetId())
			}
			pages, total = append(pages, names), reply.GetTotalSize()
			if request.PageToken = reply.GetNextPageToken(); request.PageToken == "" {
				return pages, total
			}
		}
	}
	for _, c := range []struct {
		name    string
		request *demov1.ListOrdersRequest
		want    [][]string
		total   int32
	}{
		{"all", &demov1.ListOrdersRequest{}, [][]string{{"1", "2", "3", "n1", "n2", "n3", "n4", "n5", "n6", "n0"}}, 10},
		{"by fours", &demov1.ListOrdersRequest{PageSize: 4}, [][]string{{"1", "2", "3", "n1"}, {"n2", "n3", "n4", "n5"}, {"n6", "n0"}}, 10},
		{"by fives, with nothing after", &demov1.ListOrdersRequest{PageSize: 5}, [][]string{{"1", "2", "3", "n1", "n2"}, {"n3", "n4", "n5", "n6", "n0"}}, 10},
		{"books by twos", &demov1.ListOrdersRequest{PageSize: 2, Kind: demov1.Kind_KIND_BOOK}, [][]string{{"1", "n1"}, {"n4"}}, 3},
		{"a kind that nothing has", &demov1.ListOrdersRequest{Kind: 9}, [][]string{nil}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, total := pages(t, c.request)
			same(t, got, c.want)
			same(t, total, c.total)
		})
	}
	t.Run("refused", func(t *testing.T) {
		_, err := shop.ListOrders(within(t), &demov1.ListOrdersRequest{PageSize: -1, PageToken: "nonsense"})
		refused(t, err, codes.InvalidArgument, "page_size must be 0 to 1000, not -1, and 1 more", bad(
			"page_size", "must be 0 to 1000, not -1",
			"page_token", `must be the next_page_token of a reply, not "nonsense"`))
	})
}

func FuzzPageToken(f *testing.F) {
	for _, seed := range []string{"", pageToken(0), pageToken(math.MaxInt), "YWZ0ZXI6MTIgMw", "YWZ0ZXI6LTE", "YWZ0ZXI6KzE", "%", "YWZ0ZXI6MQ=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		place, err := readPageToken(token)
		if err != nil {
			return
		}
		if place < 0 {
			t.Errorf("%q is the place %d", token, place)
		}
		if token != "" && pageToken(place) != token {
			t.Errorf("%q and %q are the same place", token, pageToken(place))
		}
	})
}

func TestUpdateOrder(t *testing.T) {
	base := func() *demov1.Order {
		return &demov1.Order{
			Id: "u", Kind: demov1.Kind_KIND_TOY, Customer: "Ada", Note: proto.String("old"),
			ShipTo: &demov1.Address{City: "Paris", Zip: "75001"}, Tags: []string{"x", "y"},
			Items: []*demov1.Item{{Qty: 1, Price: money("EUR", 2, 0)}},
		}
	}
	stored := func(change func(*demov1.Order)) *demov1.Order {
		order := base()
		order.PlacedAt, order.Stage, order.Total = timestamppb.New(noon), demov1.Stage_STAGE_PLACED, money("EUR", 2, 0)
		change(order)
		return order
	}
	for _, c := range []struct {
		name  string
		order *demov1.Order
		paths []string
		want  *demov1.Order
	}{
		{"nothing", nil, nil, stored(func(*demov1.Order) {})},
		{
			"what is set", &demov1.Order{Id: "u", Kind: demov1.Kind_KIND_BOOK, Tags: []string{"z"}, Stage: demov1.Stage_STAGE_SHIPPED}, nil,
			stored(func(o *demov1.Order) { o.Kind, o.Tags = demov1.Kind_KIND_BOOK, []string{"z"} }),
		},
		{
			"by mask", &demov1.Order{Id: "u", Customer: "ignored", ShipTo: &demov1.Address{City: "Lyon", Zip: "ignored"}},
			[]string{"ship_to.city", "note"},
			stored(func(o *demov1.Order) { o.ShipTo.City, o.Note = "Lyon", nil }),
		},
		{"clearing inside", &demov1.Order{Id: "u"}, []string{"ship_to.zip"}, stored(func(o *demov1.Order) { o.ShipTo.Zip = "" })},
		{"clearing inside of nothing", &demov1.Order{Id: "u"}, []string{"ship_to.geo.lat"}, stored(func(*demov1.Order) {})},
		{"the sum follows", &demov1.Order{Id: "u"}, []string{"items"}, stored(func(o *demov1.Order) { o.Items, o.Total = nil, nil })},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, conn := start(t, Options{})
			shop := demov1.NewShopClient(conn)
			ok[*demov1.Order](t)(shop.PlaceOrder(within(t), base()))
			request := &demov1.UpdateOrderRequest{Order: c.order, UpdateMask: &fieldmaskpb.FieldMask{Paths: c.paths}}
			same(t, ok[*demov1.Order](t)(shop.UpdateOrder(within(t), request)), c.want)
			same(t, ok[*demov1.Order](t)(shop.GetOrder(within(t), &demov1.GetOrderRequest{Id: "u"})), c.want)
		})
	}
	t.Run("refused", func(t *testing.T) {
		_, conn := start(t, Options{})
		shop := demov1.NewShopClient(conn)
		_, err := shop.UpdateOrder(within(t), &demov1.UpdateOrderRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"total.units"}}})
		refused(t, err, codes.InvalidArgument, "update_mask must not name total, which the shop sets",
			bad("update_mask", "must not name total, which the shop sets"))
		_, err = shop.UpdateOrder(within(t), &demov1.UpdateOrderRequest{Order: &demov1.Order{Priority: proto.Int32(-1)}})
		refused(t, err, codes.InvalidArgument, "order.priority must be 0 to 9, not -1", bad("order.priority", "must be 0 to 9, not -1"))
		same(t, ok[*demov1.Order](t)(shop.GetOrder(within(t), &demov1.GetOrderRequest{})), seeds(noon)[2])
	})
}

func TestDeleteOrder(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	if _, err := shop.DeleteOrder(within(t), &demov1.DeleteOrderRequest{Id: "2"}); err != nil {
		t.Fatal(err)
	}
	_, err := shop.DeleteOrder(within(t), &demov1.DeleteOrderRequest{Id: "2"})
	if grpcCode(err) != codes.NotFound {
		t.Errorf("deleted twice: %v", err)
	}
	_, err = shop.DeleteOrder(within(t), &demov1.DeleteOrderRequest{})
	refused(t, err, codes.InvalidArgument, "id must name the order to forget", bad("id", "must name the order to forget"))
}

// received reads a stream to its end.
func received[T any](t *testing.T, stream grpc.ServerStreamingClient[T]) (all []*T, end error) {
	t.Helper()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

func TestWatch(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	notes := func(t *testing.T, request *demov1.WatchRequest) (notes []string) {
		t.Helper()
		events, err := received(t, ok[grpc.ServerStreamingClient[demov1.OrderEvent]](t)(shop.Watch(within(t), request)))
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range events {
			if e.GetSeq() != int32(i+1) || !e.GetAt().AsTime().Equal(noon) {
				t.Errorf("event %d: %v", i+1, e)
			}
			notes = append(notes, e.GetNote())
		}
		return notes
	}
	same(t, notes(t, &demov1.WatchRequest{}), []string{
		"order 1 was placed", "order 2 was placed", "order 3 was placed", "order 1 is in a box", "order 2 is in a box",
	})
	same(t, notes(t, &demov1.WatchRequest{Id: "2", Count: proto.Int32(5), DelayMs: 1}), []string{
		"order 2 was placed", "order 2 is in a box", "order 2 is on its way", "order 2 has arrived", "order 2 was placed",
	})
	same(t, notes(t, &demov1.WatchRequest{Count: proto.Int32(0)}), []string(nil))

	_, err := received(t, ok[grpc.ServerStreamingClient[demov1.OrderEvent]](t)(shop.Watch(within(t), &demov1.WatchRequest{Id: "17"})))
	if grpcCode(err) != codes.NotFound {
		t.Errorf("an order that is not there: %v", err)
	}
	_, err = received(t, ok[grpc.ServerStreamingClient[demov1.OrderEvent]](t)(shop.Watch(within(t), &demov1.WatchRequest{Count: proto.Int32(-1), DelayMs: 60_001})))
	refused(t, err, codes.InvalidArgument, "count must be 0 to 1000000, not -1, and 1 more",
		bad("count", "must be 0 to 1000000, not -1", "delay_ms", "must be 0 to 60000, not 60001"))
}

func TestUpload(t *testing.T) {
	_, conn := start(t, Options{})
	upload := func(t *testing.T, items ...*demov1.Item) (*demov1.UploadSummary, error) {
		t.Helper()
		stream := ok[grpc.ClientStreamingClient[demov1.Item, demov1.UploadSummary]](t)(demov1.NewShopClient(conn).Upload(within(t)))
		for _, item := range items {
			if err := stream.Send(item); err != nil && !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		}
		return stream.CloseAndRecv()
	}
	same(t, ok[*demov1.UploadSummary](t)(upload(t)), &demov1.UploadSummary{Message: "nothing came in"})
	same(t, ok[*demov1.UploadSummary](t)(upload(t, &demov1.Item{Sku: "a", Qty: 2}, &demov1.Item{Sku: "b", Qty: 1}, &demov1.Item{Sku: "a", Qty: 3})),
		&demov1.UploadSummary{
			Count: 3, TotalQty: 6, BySku: map[string]int64{"a": 5, "b": 1}, Message: "3 messages, 6 articles: thank you",
		})
	_, err := upload(t, &demov1.Item{Sku: "a"}, &demov1.Item{Qty: -1})
	refused(t, err, codes.InvalidArgument, "message 2: qty must not be negative, as -1 is", bad("message 2: qty", "must not be negative, as -1 is"))

	var many []*demov1.Item
	for i := range 1500 {
		many = append(many, &demov1.Item{Sku: fmt.Sprint(i), Qty: 1})
	}
	sum := ok[*demov1.UploadSummary](t)(upload(t, many...))
	same(t, []int64{sum.GetCount(), int64(len(sum.GetBySku())), sum.GetBySku()["(others)"]}, []int64{1500, 1001, 500})
}

func TestChat(t *testing.T) {
	_, conn := start(t, Options{})
	talk := func(t *testing.T) grpc.BidiStreamingClient[demov1.ChatMessage, demov1.ChatMessage] {
		t.Helper()
		return ok[grpc.BidiStreamingClient[demov1.ChatMessage, demov1.ChatMessage]](t)(demov1.NewShopClient(conn).Chat(within(t)))
	}
	say := func(t *testing.T, stream grpc.BidiStreamingClient[demov1.ChatMessage, demov1.ChatMessage], text string) *demov1.ChatMessage {
		t.Helper()
		if err := stream.Send(&demov1.ChatMessage{Text: text, DelayMs: 1}); err != nil {
			t.Fatal(err)
		}
		return ok[*demov1.ChatMessage](t)(stream.Recv())
	}
	t.Run("the client hangs up", func(t *testing.T) {
		stream := talk(t)
		same(t, say(t, stream, "a"), &demov1.ChatMessage{From: "shop", Text: "you said: a", Seq: 1})
		same(t, say(t, stream, ""), &demov1.ChatMessage{From: "shop", Text: "yes?", Seq: 2})
		if err := stream.CloseSend(); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("after hanging up: %v, %v", m, err)
		}
	})
	t.Run("the shop hangs up", func(t *testing.T) {
		stream := talk(t)
		same(t, say(t, stream, "bye"), &demov1.ChatMessage{From: "shop", Text: "goodbye", Seq: 1})
		if m, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("after goodbye: %v, %v", m, err)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		stream := talk(t)
		if err := stream.Send(&demov1.ChatMessage{DelayMs: -1}); err != nil {
			t.Fatal(err)
		}
		_, err := stream.Recv()
		refused(t, err, codes.InvalidArgument, "delay_ms must be 0 to 60000, not -1", bad("delay_ms", "must be 0 to 60000, not -1"))
	})
}

// Nothing that many clients do at once confuses the shop; -race watches.
func TestShopTakesManyAtOnce(t *testing.T) {
	_, conn := start(t, Options{})
	shop := demov1.NewShopClient(conn)
	ctx := within(t)
	failed := make(chan error)
	work := func(i int) error {
		name := fmt.Sprint("w", i%3)
		if _, err := shop.PlaceOrder(ctx, &demov1.Order{Id: name}); err != nil {
			return err
		}
		if _, err := shop.UpdateOrder(ctx, &demov1.UpdateOrderRequest{Order: &demov1.Order{Id: name, Customer: name}}); err != nil {
			return err
		}
		if _, err := shop.GetOrder(ctx, &demov1.GetOrderRequest{Id: name, ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"ship_to", "ship_to.city"}}}); err != nil {
			return err
		}
		_, err := shop.ListOrders(ctx, &demov1.ListOrdersRequest{})
		return err
	}
	for i := range 20 {
		go func() { failed <- work(i) }()
	}
	for range 20 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	reply := ok[*demov1.ListOrdersReply](t)(shop.ListOrders(context.Background(), &demov1.ListOrdersRequest{}))
	same(t, reply.GetTotalSize(), int32(6))
}
