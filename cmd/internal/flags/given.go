package flags

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// AddAlias gives a flag a second name, which help does not show.
func AddAlias(f *pflag.FlagSet, alias, name string) {
	flag := f.Lookup(name)
	f.AddFlag(&pflag.Flag{
		Name: alias, Usage: flag.Usage, Value: flag.Value, DefValue: flag.DefValue,
		NoOptDefVal: flag.NoOptDefVal, Hidden: true,
	})
}

// Changed reports whether a flag was given, under any of its names.
func Changed(f *pflag.FlagSet, name string) bool {
	flag := f.Lookup(name)
	if flag == nil {
		return false
	}
	found := flag.Changed
	f.Visit(func(other *pflag.Flag) { found = found || other.Value == flag.Value })
	return found
}

// Long returns the flags among the arguments of a command, each as --name=value.
func Long(c *cobra.Command, args []string) []string {
	known := Of(c.Root())
	var flags []string
	value := func(i *int, long string) {
		if *i+1 < len(args) {
			*i++
			flags = append(flags, "--"+long+"="+args[*i])
		}
	}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		if args[i] == "-" || !strings.HasPrefix(args[i], "-") {
			continue
		}
		flag, wantsValue := known.Read(args[i])
		if long, ok := strings.CutPrefix(flag, "--"); ok {
			switch {
			case strings.Contains(long, "="):
				flags = append(flags, flag)
			case wantsValue:
				value(&i, long)
			default:
				flags = append(flags, flag+"="+unsaid(c, long))
			}
			continue
		}
		for n := 1; n < len(flag); n++ {
			f := c.Flags().ShorthandLookup(flag[n : n+1])
			switch {
			case f == nil:
			case f.NoOptDefVal != "":
				flags = append(flags, "--"+f.Name+"="+f.NoOptDefVal)
				continue
			case n+1 < len(flag):
				flags = append(flags, "--"+f.Name+"="+strings.TrimPrefix(flag[n+1:], "="))
			default:
				value(&i, f.Name)
			}
			break
		}
	}
	return flags
}

// unsaid returns the value of a flag that is given without one.
func unsaid(c *cobra.Command, name string) string {
	if f := c.Flags().Lookup(name); f != nil && f.NoOptDefVal != "" {
		return f.NoOptDefVal
	}
	return "true"
}
