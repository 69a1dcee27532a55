package main

import (
	"runtime/debug"
	"strings"
)

// version returns what this program was built from: the version of the module, with the commit where the build
// knew it.
func version() string {
	if i, ok := debug.ReadBuildInfo(); ok && i.Main.Version != "" {
		return strings.Trim(i.Main.Version, "()")
	}
	return "devel"
}
