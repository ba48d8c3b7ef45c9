// Package peers holds rpcctl to servers and clients of others: see README.md.
package peers
