//go:build xds

package grpcwire

// With the tag xds the targets xds:///NAME are found by a control plane that the file in
// GRPC_XDS_BOOTSTRAP names
// (https://github.com/grpc/grpc/blob/master/doc/grpc_xds_features.md). Linking it doubles the
// size of rpcctl, so it is left out by default.
import _ "google.golang.org/grpc/xds"
