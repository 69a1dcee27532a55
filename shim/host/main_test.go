package host

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that a closed world leaves no goroutine behind. The binary is also the far end of the
// benchmarks between two processes.
func TestMain(m *testing.M) {
	if role := os.Getenv(peerRole); role != "" {
		benchPeer(role)
	}
	goleak.VerifyTestMain(m)
}
