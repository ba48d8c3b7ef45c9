//go:build xds && unix

package cmd_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	routerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/router/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rpcctl/rpcctl/testserver"
)

// controlPlane serves the address of one service
// (https://github.com/grpc/proposal/blob/master/A27-xds-global-load-balancing.md).
type controlPlane struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer
	resources map[string]proto.Message // by type
}

// xdsService is the name of the service.
const xdsService = "shop.example"

func newControlPlane(t *testing.T, address string) *controlPlane {
	t.Helper()
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := func(m proto.Message) *anypb.Any {
		a, err := anypb.New(m)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	ads := &corev3.ConfigSource{ConfigSourceSpecifier: &corev3.ConfigSource_Ads{Ads: &corev3.AggregatedConfigSource{}}}
	routes := &routev3.RouteConfiguration{Name: "routes", VirtualHosts: []*routev3.VirtualHost{{
		Name: "all", Domains: []string{"*"},
		Routes: []*routev3.Route{{
			Match:  &routev3.RouteMatch{PathSpecifier: &routev3.RouteMatch_Prefix{Prefix: "/"}},
			Action: &routev3.Route_Route{Route: &routev3.RouteAction{ClusterSpecifier: &routev3.RouteAction_Cluster{Cluster: "cluster"}}},
		}},
	}}}
	manager := &managerv3.HttpConnectionManager{
		RouteSpecifier: &managerv3.HttpConnectionManager_RouteConfig{RouteConfig: routes},
		HttpFilters:    []*managerv3.HttpFilter{{Name: "router", ConfigType: &managerv3.HttpFilter_TypedConfig{TypedConfig: wrapped(&routerv3.Router{})}}},
	}
	return &controlPlane{resources: map[string]proto.Message{
		"Listener": &listenerv3.Listener{Name: xdsService, ApiListener: &listenerv3.ApiListener{ApiListener: wrapped(manager)}},
		"Cluster": &clusterv3.Cluster{
			Name: "cluster", ClusterDiscoveryType: &clusterv3.Cluster_Type{Type: clusterv3.Cluster_EDS},
			EdsClusterConfig: &clusterv3.Cluster_EdsClusterConfig{EdsConfig: ads},
		},
		"ClusterLoadAssignment": &endpointv3.ClusterLoadAssignment{ClusterName: "cluster", Endpoints: []*endpointv3.LocalityLbEndpoints{{
			Locality: &corev3.Locality{Region: "here"}, LoadBalancingWeight: wrapperspb.UInt32(1),
			LbEndpoints: []*endpointv3.LbEndpoint{{HostIdentifier: &endpointv3.LbEndpoint_Endpoint{Endpoint: &endpointv3.Endpoint{
				Address: &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{
					Address: host, PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: uint32(port)},
				}}},
			}}}},
		}}},
	}}
}

// StreamAggregatedResources answers each question once; what acknowledges an answer is
// no question.
func (c *controlPlane) StreamAggregatedResources(s discoveryv3.AggregatedDiscoveryService_StreamAggregatedResourcesServer) error {
	for {
		r, err := s.Recv()
		if err != nil {
			return nil
		}
		resource := c.resources[r.GetTypeUrl()[strings.LastIndex(r.GetTypeUrl(), ".")+1:]]
		if resource == nil || r.GetResponseNonce() != "" {
			continue
		}
		body, err := anypb.New(resource)
		if err != nil {
			return err
		}
		if err := s.Send(&discoveryv3.DiscoveryResponse{
			VersionInfo: "1", Nonce: "1", TypeUrl: r.GetTypeUrl(), Resources: []*anypb.Any{body},
		}); err != nil {
			return err
		}
	}
}

// A target xds:///NAME is found by the control plane that the environment names.
func TestXDS(t *testing.T) {
	at := func(serve func(net.Listener) error, stop func()) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go serve(l)
		t.Cleanup(stop)
		return l.Addr().String()
	}
	demo := testserver.New(testserver.Options{})
	control := grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(control, newControlPlane(t, at(demo.Serve, demo.Close)))
	bootstrap := filepath.Join(t.TempDir(), "bootstrap.json")
	if err := os.WriteFile(bootstrap, fmt.Appendf(nil,
		`{"xds_servers":[{"server_uri":%q,"channel_creds":[{"type":"insecure"}],"server_features":["xds_v3"]}],"node":{"id":"test"}}`,
		at(control.Serve, control.Stop)), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := exec.CommandContext(ctx, "rpcctl", args...)
		c.Env = append(os.Environ(), "GRPC_XDS_BOOTSTRAP="+bootstrap, "XDG_CACHE_HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir())
		out, err := c.CombinedOutput()
		if ctx.Err() != nil {
			t.Errorf("%q did not end: %v", args, err)
		}
		return string(out)
	}
	if out := run("-a", "xds:///"+xdsService, "--plaintext", "call", "SayHello", "name=you"); !strings.Contains(out, "Hello, you") {
		t.Error(out)
	}
	if out := run("diagnose", "xds:///"+xdsService, "--plaintext"); !strings.Contains(out, "the resolver of xds:///shop.example finds the server") {
		t.Error(out)
	}
	if out := run("-a", "xds:///other.example", "--plaintext", "call", "rpcctl.demo.v1.Greeter/SayHello", "--timeout", "1"); !strings.Contains(out, "DEADLINE_EXCEEDED") && !strings.Contains(out, "UNAVAILABLE") {
		t.Error(out)
	}
}
