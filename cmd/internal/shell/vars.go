package shell

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
	"github.com/rpcctl/rpcctl/repl"
)

// A value is what an expression stands for.
type value struct {
	raw  json.RawMessage
	work *work // of a whole result; nil else
}

// resultValue is the value of a call: the message, or the list of them when the server streams.
func resultValue(w *work) value { return value{work: w} }

// text is the JSON of the value.
func (v value) text() (json.RawMessage, error) {
	if v.raw != nil {
		return v.raw, nil
	}
	messages, err := jsonOf(v.work, invoke.ResponseReceived)
	if err != nil {
		return nil, err
	}
	if st := v.work.State(); len(messages) == 0 && st.Received > 0 {
		return nil, problem.Usage(errors.New("its messages are not kept"),
			fmt.Sprintf("the shell keeps %s of a call and %s of all, the newest; --output-file writes all of one", human.Bytes(job.DefaultBytes), human.Bytes(job.StoreBytes)))
	}
	if call := v.work.State().Call; call != nil && call.Method.IsStreamingServer() {
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

// jsonOf is the messages of a call as JSON.
func jsonOf(w *work, kind invoke.Kind) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for _, m := range w.Messages(kind) {
		text, err := transcode.NewEncoder(m.Desc, transcode.EncodeOptions{Types: m.Types}).Append(nil, m.Wire)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// print prints the value as a person reads it, without what was sent as a secret and came
// back: in an expression it is whole.
func (v value) print(w io.Writer, secrets *secret.Seen) error {
	text, err := v.text()
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

// maxValues is how long the values of all variables are together that are no results, in bytes.
const maxValues = 16 << 20

// assign sets a variable.
func (s *shell) assign(name string, v value) error {
	if _, err := strconv.Atoi(name); err == nil || name == "_" {
		return problem.Usage(fmt.Errorf("$%s is a result and can not be set", name), "a variable's name begins with a letter")
	}
	if _, err := v.text(); err != nil {
		return err
	}
	size := len(v.raw)
	for other, has := range s.vars {
		if other != name {
			size += len(has.raw)
		}
	}
	if size > maxValues {
		return problem.Usage(fmt.Errorf("$%s: the values of all variables are more than %s", name, human.Bytes(maxValues)), "unset NAME lets go of one")
	}
	s.vars[name] = v
	return nil
}

// variable returns what a name stands for.
func (s *shell) variable(name string) (value, error) {
	if n, err := strconv.Atoi(name); err == nil || name == "_" {
		if w := s.results.get(n); w != nil {
			return resultValue(w), nil
		}
		return value{}, problem.Usage(fmt.Errorf("$%s: there is no such result", name), "each result has its number behind it")
	}
	if name == "?" {
		return value{raw: json.RawMessage(strconv.Itoa(s.code))}, nil
	}
	if v, ok := s.vars[name]; ok {
		return v, nil
	}
	hint := "vars lists them"
	if near := discovery.Nearest(name, slices.Collect(maps.Keys(s.vars)), 1); len(near) > 0 {
		hint = "did you mean $" + near[0] + "?"
	}
	return value{}, problem.Usage(fmt.Errorf("$%s: there is no such variable", name), hint)
}

// evaluate returns the value of an expression: $name, then .field, [index] or [key], then :what.
func (s *shell) evaluate(_ repl.Word, text string) (value, error) {
	name, rest := cutName(text[1:])
	v, err := s.variable(name)
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
		return "", "", fmt.Errorf("%q can not follow a value", text)
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
func (v value) step(name string) (value, error) {
	text, err := v.text()
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
		return value{raw: list[i]}, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return v, fmt.Errorf("it has no field %q: it is %s", name, text)
	}
	for _, n := range []string{name, lowerCamel(name)} {
		if f, ok := fields[n]; ok {
			return value{raw: f}, nil
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

// part is something else of a result than its messages.
func (v value) part(what string) (value, error) {
	if what == "count" {
		text, err := v.text()
		var list []json.RawMessage
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		return value{raw: json.RawMessage(strconv.Itoa(len(list)))}, err
	}
	if v.work == nil {
		return v, problem.Usage(fmt.Errorf("it is not the result of a call, and has no %s", what), "")
	}
	st := v.work.State()
	var part any
	switch what {
	case "status":
		part = map[string]any{"code": st.Status.Code, "name": invoke.CodeName(st.Status.Code), "message": st.Status.Message}
	case "header", "trailer":
		kind := invoke.HeadersReceived
		if what == "trailer" {
			kind = invoke.Finished
		}
		part = map[string][]string{}
		if e := v.work.Last(kind); e != nil && e.Metadata != nil {
			part = e.Metadata
		}
	case "request":
		messages, err := jsonOf(v.work, invoke.RequestSent)
		switch {
		case err != nil:
			return v, err
		case len(messages) == 0:
			return value{raw: json.RawMessage("{}")}, nil
		case st.Call.Method.IsStreamingClient():
			return value{raw: listOf(messages)}, nil
		}
		return value{raw: messages[0]}, nil
	case "time":
		part = st.Ended.Sub(st.Began).Seconds()
	default:
		return v, problem.Usage(fmt.Errorf("%q is none of status, header, trailer, request, time, count", what), "")
	}
	text, err := json.Marshal(part)
	return value{raw: text}, err
}

// fields are the names of the fields of an object, sorted.
func (v value) fields() []string {
	text, err := v.text()
	if err != nil {
		return nil
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(text, &fields) != nil {
		return nil // a list has none
	}
	return slices.Sorted(maps.Keys(fields))
}
