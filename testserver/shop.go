package testserver

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

const (
	defaultPage = 50
	maxPage     = 1000
)

type shop struct {
	demov1.UnimplementedShopServer
	now   func() time.Time
	store *store
}

func newShop(now func() time.Time) *shop {
	orders, err := newStore(now())
	if err != nil {
		panic("testserver: " + err.Error()) // The seeds are constants: a test would have found this.
	}
	return &shop{now: now, store: orders}
}

func noOrder(name string) error {
	if name == "" {
		return failure(codes.NotFound, "there are no orders: place one with PlaceOrder")
	}
	return failure(codes.NotFound, fmt.Sprintf("no order %q", name), &errdetails.ResourceInfo{
		ResourceType: "rpcctl.demo.v1.Order",
		ResourceName: name,
		Description:  "ListOrders tells which orders there are",
	})
}

func (s *shop) PlaceOrder(_ context.Context, order *demov1.Order) (*demov1.Order, error) {
	var f faults
	checkOrder(&f, "", order)
	order.Total = total(&f, order.GetItems())
	if err := f.err(); err != nil {
		return nil, err
	}
	if err := checkSize(order); err != nil {
		return nil, err
	}
	order.Stage = demov1.Stage_STAGE_PLACED
	if order.PlacedAt == nil {
		order.PlacedAt = timestamppb.New(s.now())
	}
	if err := s.store.put(order); err != nil {
		return nil, err
	}
	return order, nil
}

func (s *shop) GetOrder(_ context.Context, r *demov1.GetOrderRequest) (*demov1.Order, error) {
	var f faults
	checkMask(&f, "read_mask", r.GetReadMask(), &demov1.Order{})
	if err := f.err(); err != nil {
		return nil, err
	}
	order, ok, err := s.store.get(r.GetId())
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, noOrder(r.GetId())
	}
	if paths := r.GetReadMask().GetPaths(); len(paths) > 0 {
		masked := &demov1.Order{}
		copyPaths(masked, order, paths)
		return masked, nil
	}
	return order, nil
}

func (s *shop) ListOrders(_ context.Context, r *demov1.ListOrdersRequest) (*demov1.ListOrdersReply, error) {
	var f faults
	f.within("page_size", int64(r.GetPageSize()), 0, maxPage)
	after, err := readPageToken(r.GetPageToken())
	if err != nil {
		f.add("page_token", "must be the next_page_token of a reply, not %.40q", r.GetPageToken())
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	limit := int(r.GetPageSize())
	if limit == 0 {
		limit = defaultPage
	}
	p := s.store.list(r.GetKind(), after, limit)
	reply := &demov1.ListOrdersReply{TotalSize: int32(p.total)}
	for _, kept := range p.records {
		order, err := kept.order()
		if err != nil {
			return nil, err
		}
		reply.Orders = append(reply.Orders, order)
	}
	if p.more {
		reply.NextPageToken = pageToken(p.last)
	}
	return reply, nil
}

// pageToken names the place after which a page starts. It is opaque, so that nobody builds
// one.
func pageToken(place int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("after:" + strconv.Itoa(place)))
}

func readPageToken(token string) (place int, err error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Sscanf(string(text), "after:%d", &place); err != nil {
		return 0, err
	}
	if place < 0 || pageToken(place) != token {
		return 0, errors.New("not a token of this server")
	}
	return place, nil
}

func (s *shop) UpdateOrder(_ context.Context, r *demov1.UpdateOrderRequest) (*demov1.Order, error) {
	var f faults
	changes := r.GetOrder()
	if changes == nil {
		changes = &demov1.Order{}
	}
	paths := updatePaths(&f, r)
	if err := f.err(); err != nil {
		return nil, err
	}
	order, ok, err := s.store.update(changes.GetId(), func(order *demov1.Order) error {
		copyPaths(order, changes, paths)
		var f faults
		checkOrder(&f, "order.", order)
		order.Total = total(&f, order.GetItems())
		if err := f.err(); err != nil {
			return err
		}
		return checkSize(order)
	})
	if !ok {
		return nil, noOrder(changes.GetId())
	}
	return order, err
}

func (s *shop) DeleteOrder(_ context.Context, r *demov1.DeleteOrderRequest) (*emptypb.Empty, error) {
	var f faults
	if r.GetId() == "" {
		f.add("id", "must name the order to forget")
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	if !s.store.remove(r.GetId()) {
		return nil, noOrder(r.GetId())
	}
	return &emptypb.Empty{}, nil
}

func (s *shop) Watch(r *demov1.WatchRequest, stream grpc.ServerStreamingServer[demov1.OrderEvent]) error {
	p, err := newPace(r.Count, 5, r.GetDelayMs())
	if err != nil {
		return err
	}
	names := []string{r.GetId()}
	if r.GetId() == "" {
		names = names[:0]
		for _, kept := range s.store.list(demov1.Kind_KIND_UNSPECIFIED, 0, maxOrders).records {
			names = append(names, kept.name)
		}
	} else if _, ok, err := s.store.get(r.GetId()); err != nil {
		return err
	} else if !ok {
		return noOrder(r.GetId())
	}
	if len(names) == 0 {
		return noOrder("")
	}
	stages := [...]demov1.Stage{
		demov1.Stage_STAGE_PLACED, demov1.Stage_STAGE_PACKED, demov1.Stage_STAGE_SHIPPED, demov1.Stage_STAGE_DELIVERED,
	}
	words := [...]string{"was placed", "is in a box", "is on its way", "has arrived"}
	return p.each(stream.Context(), func(i int) error {
		name, step := names[i%len(names)], i/len(names)%len(stages)
		return stream.Send(&demov1.OrderEvent{
			Seq: int32(i + 1), OrderId: name, Stage: stages[step],
			Note: fmt.Sprintf("order %s %s", name, words[step]), At: timestamppb.New(s.now()),
		})
	})
}

func (s *shop) Upload(stream grpc.ClientStreamingServer[demov1.Item, demov1.UploadSummary]) error {
	const (
		names  = 1000
		others = "(others)"
	)
	sum := &demov1.UploadSummary{BySku: map[string]int64{}}
	for {
		item, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		var f faults
		checkItem(&f, fmt.Sprintf("message %d: ", sum.GetCount()+1), item)
		if err := f.err(); err != nil {
			return err
		}
		sum.Count++
		sum.TotalQty += int64(item.GetQty())
		name := item.GetSku()
		if _, known := sum.BySku[name]; !known && len(sum.BySku) >= names {
			name = others
		}
		sum.BySku[name] += int64(item.GetQty())
	}
	sum.Message = fmt.Sprintf("%d messages, %d articles: thank you", sum.GetCount(), sum.GetTotalQty())
	if sum.GetCount() == 0 {
		sum.Message = "nothing came in"
	}
	return stream.SendAndClose(sum)
}

func (s *shop) Chat(stream grpc.BidiStreamingServer[demov1.ChatMessage, demov1.ChatMessage]) error {
	for seq := int32(1); ; seq++ {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p, err := newPace(nil, 1, m.GetDelayMs())
		if err != nil {
			return err
		}
		if err := sleep(stream.Context(), p.delay); err != nil {
			return err
		}
		answer := &demov1.ChatMessage{From: "shop", Seq: seq}
		switch text := m.GetText(); text {
		case "":
			answer.Text = "yes?"
		case "bye":
			answer.Text = "goodbye"
		default:
			answer.Text = "you said: " + text
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
		if m.GetText() == "bye" {
			return nil
		}
	}
}
