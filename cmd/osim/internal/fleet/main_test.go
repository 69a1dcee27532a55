package fleet

import (
	"fmt"
	"os"
	"testing"

	"ouroboros/cmd/osim/internal/source"
)

// testVersion is what the agents of these tests say they are.
const testVersion = "test"

// crashing names a scenario file that a child of a test runs until it is killed.
const crashing = "OUROBOROS_TEST_CRASHING"

// TestMain makes the test binary an agent, or a coordinator that is to be killed, when it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == AgentCommand {
		version := testVersion
		if v := os.Getenv("OUROBOROS_TEST_VERSION"); v != "" {
			version = v
		}
		if err := Agent(os.Stdin, os.Stdout, version); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if file := os.Getenv(crashing); file != "" {
		sc, err := source.Load(file, nil)
		if err == nil {
			var site *Emulation
			if site, err = NewEmulation(sc.Scenario, sc.Graph); err == nil {
				fmt.Println("namespaces are there")
				_, _, err = Run(Plan{Scenario: sc.Scenario, Graph: sc.Graph, Seed: 1, Version: testVersion}, site)
			}
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
