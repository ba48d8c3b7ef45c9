package cmd

import (
	"github.com/spf13/pflag"
)

type awaitOptions struct{ await bool }

func (o *awaitOptions) add(f *pflag.FlagSet) {}
func (o *awaitOptions) given() bool          { return o.await }
