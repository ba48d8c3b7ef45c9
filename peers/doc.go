// Package peers tests rpcctl against servers and clients of others: see README.md.
package peers
