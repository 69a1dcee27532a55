package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the hash of this executable",
		Long: `Print the version, as it stands in the results: the first 12 hexadecimal digits of
the SHA-256 of this executable. Two files of the same version are the same
program, whatever they are called.`,
		Example: examples(`osim version`),
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := executableVersion()
			if err != nil {
				return internal(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "osim %s (%s, %s/%s)\n", v, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return internal(err)
		},
	}
}

// executableVersion returns the identity of the running program.
func executableVersion() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}
