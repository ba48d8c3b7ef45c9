// Package values has what the variables and results of the shell stand for, and the expressions that
// are made of them.
package values

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
	"github.com/rpcctl/rpcctl/internal/human"
	"github.com/rpcctl/rpcctl/internal/secret"
	"github.com/rpcctl/rpcctl/internal/transcode"
	"github.com/rpcctl/rpcctl/invoke"
	"github.com/rpcctl/rpcctl/invoke/job"
)

// A Value is what an expression stands for.
type Value struct {
	raw  json.RawMessage
	call *job.Job // of a whole result; nil else
}

// Of returns the value of a call: the message, or the list of them when the server streams.
func Of(call *job.Job) Value { return Value{call: call} }

// Text returns the JSON of the value.
func (v Value) Text() (json.RawMessage, error) {
	if v.raw != nil {
		return v.raw, nil
	}
	messages, err := Messages(v.call, invoke.ResponseReceived)
	if err != nil {
		return nil, err
	}
	if st := v.call.State(); len(messages) == 0 && st.Received > 0 {
		return nil, problem.Usage(errors.New("its messages are not kept"),
			fmt.Sprintf("the shell keeps %s of a call and %s of all, the newest; --output-file writes all of one",
				human.Bytes(job.DefaultBytes), human.Bytes(job.StoreBytes)))
	}
	if call := v.call.State().Call; call != nil && call.Method.IsStreamingServer() {
		return listOf(messages), nil
	}
	if len(messages) == 0 {
		return nil, errors.New("the call had no answer")
	}
	return messages[0], nil
}

func listOf(all []json.RawMessage) json.RawMessage {
	return slices.Concat([]byte{'['}, bytes.Join(toBytes(all), []byte{','}), []byte{']'})
}

func toBytes(all []json.RawMessage) [][]byte {
	b := make([][]byte, len(all))
	for i, m := range all {
		b[i] = m
	}
	return b
}

// Messages returns the messages of a call as JSON.
func Messages(call *job.Job, kind invoke.Kind) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for _, m := range call.Messages(kind) {
		text, err := transcode.NewEncoder(m.Desc, transcode.EncodeOptions{Types: m.Types}).Append(nil, m.Wire)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// Print prints the value for a person. Text that was sent as a secret and came back is masked,
// although expressions have all of it.
func (v Value) Print(w io.Writer, secrets *secret.Seen) error {
	text, err := v.Text()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return err
	}
	b.WriteByte('\n')
	_, err = io.WriteString(w, formatters.Clean(secrets.Mask(b.String()), true))
	return err
}

// maxValues is the length of the values of all variables together, results aside, in bytes.
const maxValues = 16 << 20

// Variables are the values that have names, and the results, which have numbers.
type Variables struct {
	named  map[string]Value
	result func(n int) *job.Job
	code   func() int
}

// New returns no variables yet. result returns the call with a number, 0 for the last one, nil where
// there is none; code returns the exit code of the last statement.
func New(result func(n int) *job.Job, code func() int) *Variables {
	return &Variables{named: map[string]Value{}, result: result, code: code}
}

// Names returns the names, sorted.
func (vs *Variables) Names() []string { return slices.Sorted(maps.Keys(vs.named)) }

// Named returns the value of a name, and whether it has one.
func (vs *Variables) Named(name string) (Value, bool) {
	v, ok := vs.named[name]
	return v, ok
}

// Put gives a name the value of a call.
func (vs *Variables) Put(name string, call *job.Job) { vs.named[name] = Of(call) }

// Unset takes a name away.
func (vs *Variables) Unset(name string) { delete(vs.named, name) }

// Assign sets a variable. The error is a usage error, or why there is no value.
func (vs *Variables) Assign(name string, v Value) error {
	if _, err := strconv.Atoi(name); err == nil || name == "_" {
		return problem.Usage(fmt.Errorf("$%s is a result and cannot be set", name),
			"a variable's name begins with a letter")
	}
	if _, err := v.Text(); err != nil {
		return err
	}
	size := len(v.raw)
	for other, has := range vs.named {
		if other != name {
			size += len(has.raw)
		}
	}
	if size > maxValues {
		return problem.Usage(fmt.Errorf("$%s: the values of all variables are more than %s", name,
			human.Bytes(maxValues)), "unset NAME lets go of one")
	}
	vs.named[name] = v
	return nil
}

// variable returns what a name stands for.
func (vs *Variables) variable(name string) (Value, error) {
	if n, err := strconv.Atoi(name); err == nil || name == "_" {
		if call := vs.result(n); call != nil {
			return Of(call), nil
		}
		return Value{}, problem.Usage(fmt.Errorf("$%s: there is no such result", name),
			"each result has its number behind it")
	}
	if name == "?" {
		return Value{raw: json.RawMessage(strconv.Itoa(vs.code()))}, nil
	}
	if v, ok := vs.named[name]; ok {
		return v, nil
	}
	hint := "vars lists them"
	if near := discovery.Nearest(name, slices.Collect(maps.Keys(vs.named)), 1); len(near) > 0 {
		hint = "did you mean $" + near[0] + "?"
	}
	return Value{}, problem.Usage(fmt.Errorf("$%s: there is no such variable", name), hint)
}

// Evaluate returns the value of an expression: $name, then .field, [index] or [key], then
// :part.
func (vs *Variables) Evaluate(text string) (Value, error) {
	name, rest := cutName(text[1:])
	v, err := vs.variable(name)
	if err != nil {
		return v, err
	}
	rest, what, hasWhat := strings.Cut(rest, ":")
	if hasWhat {
		if v, err = v.part(what); err != nil {
			return v, fmt.Errorf("%s: %w", text, err)
		}
	}
	for rest != "" {
		var step string
		if step, rest, err = cutStep(rest); err != nil {
			return v, problem.Usage(fmt.Errorf("%s: %w", text, err), "")
		}
		if v, err = v.step(step); err != nil {
			return v, problem.Usage(fmt.Errorf("%s: %w", text, err), "")
		}
	}
	return v, nil
}

func cutName(text string) (name, rest string) {
	if strings.HasPrefix(text, "?") {
		return "?", text[1:]
	}
	i := strings.IndexFunc(text, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if i < 0 {
		return text, ""
	}
	return text[:i], text[i:]
}

// cutStep cuts .name or [key] off.
func cutStep(text string) (step, rest string, err error) {
	if text[0] == '[' {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return "", "", errors.New("[ without ]")
		}
		return strings.Trim(text[1:end], `"'`), text[end+1:], nil
	}
	if text[0] != '.' {
		return "", "", fmt.Errorf("%q cannot follow a value", text)
	}
	step = text[1:]
	if i := strings.IndexAny(step, ".["); i >= 0 {
		step, rest = step[:i], step[i:]
	}
	if step == "" {
		return "", "", errors.New("the name of a field is missing")
	}
	return step, rest, nil
}

// step is a field, an element of a list or of a map.
func (v Value) step(name string) (Value, error) {
	text, err := v.Text()
	if err != nil {
		return v, err
	}
	if text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return v, err
		}
		i, err := strconv.Atoi(name)
		if i < 0 {
			i += len(list)
		}
		if err != nil || i < 0 || i >= len(list) {
			return v, fmt.Errorf("the list has no element %q: it has %d", name, len(list))
		}
		return Value{raw: list[i]}, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return v, fmt.Errorf("it has no field %q: it is %s", name, text)
	}
	for _, n := range []string{name, lowerCamel(name)} {
		if f, ok := fields[n]; ok {
			return Value{raw: f}, nil
		}
	}
	return v, fmt.Errorf("it has no field %q", name)
}

// lowerCamel is the JSON name of a field (https://protobuf.dev/programming-guides/json/).
func lowerCamel(name string) string {
	var b strings.Builder
	up := false
	for _, r := range name {
		switch {
		case r == '_':
			up = true
		case up:
			b.WriteString(strings.ToUpper(string(r)))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// part returns a part of a result other than its messages, such as its headers.
func (v Value) part(what string) (Value, error) {
	if what == "count" {
		text, err := v.Text()
		var list []json.RawMessage
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		return Value{raw: json.RawMessage(strconv.Itoa(len(list)))}, err
	}
	if v.call == nil {
		return v, problem.Usage(fmt.Errorf("it is not the result of a call, and has no %s", what), "")
	}
	st := v.call.State()
	var part any
	switch what {
	case "status":
		part = map[string]any{
			"code": st.Status.Code, "name": invoke.CodeName(st.Status.Code),
			"message": st.Status.Message,
		}
	case "header", "trailer":
		kind := invoke.HeadersReceived
		if what == "trailer" {
			kind = invoke.Finished
		}
		part = map[string][]string{}
		if e := v.call.Last(kind); e != nil && e.Metadata != nil {
			part = e.Metadata
		}
	case "request":
		messages, err := Messages(v.call, invoke.RequestSent)
		switch {
		case err != nil:
			return v, err
		case len(messages) == 0:
			return Value{raw: json.RawMessage("{}")}, nil
		case st.Call.Method.IsStreamingClient():
			return Value{raw: listOf(messages)}, nil
		}
		return Value{raw: messages[0]}, nil
	case "time":
		part = st.Ended.Sub(st.Began).Seconds()
	default:
		return v, problem.Usage(fmt.Errorf("%q is none of status, header, trailer, request, time, count", what), "")
	}
	text, err := json.Marshal(part)
	return Value{raw: text}, err
}

// Fields returns the names of the fields of an object, sorted.
func (v Value) Fields() []string {
	text, err := v.Text()
	if err != nil {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return nil // a list has none
	}
	return slices.Sorted(maps.Keys(fields))
}
