package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// takes checks the number of arguments, from low to high, -1 for no limit, and names them in the error.
func takes(low, high int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if n := len(args); n < low || high >= 0 && n > high {
			return fmt.Errorf("%s expected, %s given", what, arguments(n))
		}
		return nil
	}
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}
