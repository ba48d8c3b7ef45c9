package formatters

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rpcctl/rpcctl/invoke"
)

// standardDetail decodes a detail of google.rpc
// (https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto).
// The error says that the detail is of another type, or broken.
func standardDetail(d *anypb.Any) (proto.Message, error) {
	var m proto.Message
	switch typeName(d.GetTypeUrl()) {
	case "google.rpc.BadRequest":
		m = &errdetails.BadRequest{}
	case "google.rpc.ErrorInfo":
		m = &errdetails.ErrorInfo{}
	case "google.rpc.RetryInfo":
		m = &errdetails.RetryInfo{}
	case "google.rpc.DebugInfo":
		m = &errdetails.DebugInfo{}
	case "google.rpc.QuotaFailure":
		m = &errdetails.QuotaFailure{}
	case "google.rpc.PreconditionFailure":
		m = &errdetails.PreconditionFailure{}
	case "google.rpc.RequestInfo":
		m = &errdetails.RequestInfo{}
	case "google.rpc.ResourceInfo":
		m = &errdetails.ResourceInfo{}
	case "google.rpc.Help":
		m = &errdetails.Help{}
	case "google.rpc.LocalizedMessage":
		m = &errdetails.LocalizedMessage{}
	default:
		return nil, protoregistry.NotFound
	}
	return m, invoke.Unmarshal(proto.UnmarshalOptions{}, d.GetValue(), m)
}

// standard writes the lines of a detail of google.rpc. It is longer than other functions since
// it is a list of types.
func (b *block) standard(m proto.Message) {
	switch m := m.(type) {
	case *errdetails.BadRequest:
		for _, v := range m.GetFieldViolations() {
			b.line(v.GetField(), joined(v.GetDescription(), bracketed(v.GetReason())),
				v.GetLocalizedMessage().GetMessage())
		}
	case *errdetails.ErrorInfo:
		b.line(joined(m.GetReason(), bracketed(m.GetDomain())))
		b.pairs(m.GetMetadata())
	case *errdetails.RetryInfo:
		b.line("retry after " + m.GetRetryDelay().AsDuration().String())
	case *errdetails.DebugInfo:
		b.line(m.GetDetail())
		for _, s := range m.GetStackEntries() {
			b.line(s)
		}
	case *errdetails.QuotaFailure:
		for _, v := range m.GetViolations() {
			b.quota(v)
		}
	case *errdetails.PreconditionFailure:
		for _, v := range m.GetViolations() {
			b.line(joined(v.GetType(), v.GetSubject()), v.GetDescription())
		}
	case *errdetails.RequestInfo:
		b.pair("request_id", m.GetRequestId())
		b.pair("serving_data", m.GetServingData())
	case *errdetails.ResourceInfo:
		b.line(joined(m.GetResourceType(), m.GetResourceName()), m.GetDescription())
		b.pair("owner", m.GetOwner())
	case *errdetails.Help:
		for _, l := range m.GetLinks() {
			b.line(l.GetDescription(), l.GetUrl())
		}
	case *errdetails.LocalizedMessage:
		b.line(joined(m.GetMessage(), bracketed(m.GetLocale())))
	}
}

// quota writes which quota was exceeded.
func (b *block) quota(v *errdetails.QuotaFailure_Violation) {
	b.line(v.GetSubject(), v.GetDescription())
	b.pair("service", v.GetApiService())
	b.pair("metric", v.GetQuotaMetric())
	b.pair("id", v.GetQuotaId())
	b.pairs(v.GetQuotaDimensions())
	if v.GetQuotaValue() != 0 {
		b.pair("value", fmt.Sprint(v.GetQuotaValue()))
	}
	if v.FutureQuotaValue != nil {
		b.pair("future value", fmt.Sprint(v.GetFutureQuotaValue()))
	}
}

// pair writes a name and a value that is not empty.
func (b *block) pair(name, value string) {
	if value != "" {
		b.line(name, value)
	}
}

// pairs writes names and values in the order of the names.
func (b *block) pairs(m map[string]string) {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.line(k, m[k])
	}
}

// joined joins the parts that are not empty with spaces.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// bracketed returns s in brackets, or "" for "".
func bracketed(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}
