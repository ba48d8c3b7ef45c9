package shell

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rpcctl/rpcctl/cmd/internal/flags"
	"github.com/rpcctl/rpcctl/cmd/internal/problem"
	"github.com/rpcctl/rpcctl/discovery"
	"github.com/rpcctl/rpcctl/formatters"
)

// settingNames are the settings, with the words that each takes; with none it takes anything.
var settingNames = map[string][]string{
	"output": nil, "timeout": nil, "editor": nil,
	"complete": {"tab", "live"}, "history": {"on", "off"}, "history-verify": {"on", "off"},
	"color": {"auto", "always", "never"},
	"pager": {"auto", "off"}, "confirm": {"on", "off"}, "job-output": {"live", "quiet"},
}

// set shows or changes a setting.
func set(s *shell, l *line, args []string) error {
	if len(args) == 0 {
		for _, name := range slices.Sorted(maps.Keys(settingNames)) {
			value, ok := s.settings[name]
			if !ok {
				value = "(default)"
			}
			fmt.Fprintf(l.env.Stdout, "%s=%s\n", name, formatters.CleanLine(value))
		}
		return nil
	}
	name, value, given := strings.Cut(args[0], "=")
	allowed, known := settingNames[name]
	if !known {
		hint := "set lists them"
		if near := discovery.Nearest(name, slices.Collect(maps.Keys(settingNames)), 1); len(near) > 0 {
			hint = "did you mean " + near[0] + "?"
		}
		return problem.Usage(fmt.Errorf("%q: no such setting", name), hint)
	}
	switch {
	case !given:
		fmt.Fprintln(l.env.Stdout, formatters.CleanLine(s.settings[name]))
		return nil
	case value == "":
		delete(s.settings, name)
		return nil
	case allowed != nil && !slices.Contains(allowed, value):
		return problem.Usage(fmt.Errorf("%s=%q: %q is none of %s", name, value, value, strings.Join(allowed, ", ")), "")
	case name == "output":
		if _, err := formatters.ParseFormat(value); err != nil {
			return problem.Usage(err, "")
		}
	case name == "timeout":
		if err := new(flags.Seconds).Set(value); err != nil {
			return problem.Usage(err, "")
		}
	}
	s.settings[name] = value
	if s.editor != nil {
		s.editor.SetLive(s.settings["complete"] == "live")
	}
	return nil
}
