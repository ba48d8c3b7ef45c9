package testserver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rpcctl/rpcctl/testserver/demov1"
)

type warehouse struct {
	demov1.UnimplementedWarehouseServer
	health *health.Server

	// The lock covers the health, too, so that both always agree.
	mu   sync.Mutex
	open bool
}

func newWarehouse(h *health.Server) *warehouse {
	w := &warehouse{health: h}
	w.setOpen(false)
	return w
}

func (w *warehouse) setOpen(open bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = open
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if open {
		state = healthv1.HealthCheckResponse_SERVING
	}
	w.health.SetServingStatus(demov1.Warehouse_ServiceDesc.ServiceName, state)
}

func (w *warehouse) Stock(_ context.Context, r *demov1.StockRequest) (*demov1.StockReply, error) {
	w.mu.Lock()
	open := w.open
	w.mu.Unlock()
	if !open {
		return nil, unavailable("the warehouse is closed: Warehouse.SetOpen opens it", 30*time.Second)
	}
	stock := map[string]int32{"bear-01": 17, "engine-notes": 3, "kite": 40, "moth": 1}
	if r.GetSku() == "" {
		return &demov1.StockReply{Qty: stock}, nil
	}
	qty, ok := stock[r.GetSku()]
	if !ok {
		return nil, failure(codes.NotFound, fmt.Sprintf("no article %q", r.GetSku()), &errdetails.ResourceInfo{
			ResourceType: "article", ResourceName: r.GetSku(),
		})
	}
	return &demov1.StockReply{Qty: map[string]int32{r.GetSku(): qty}}, nil
}

func (w *warehouse) SetOpen(_ context.Context, r *demov1.SetOpenRequest) (*demov1.SetOpenReply, error) {
	open := r.Open == nil || r.GetOpen()
	w.setOpen(open)
	return &demov1.SetOpenReply{Open: open}, nil
}
