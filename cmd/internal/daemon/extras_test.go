package daemon

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
)

// freePort returns an address of the loopback interface that nobody listens to.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// TestMetrics: every family that is documented is there once there is something to count, counters are counters, and
// each sample of an IPCP says of which.
func TestMetrics(t *testing.T) {
	addr := freePort(t)
	r := start(t, Config{Dir: t.TempDir(), Metrics: addr})
	c := r.client()
	must(t, c.CreateIPCP(t.Context(), "l", core.KindLocal))
	must(t, c.Bootstrap(t.Context(), "l", control.DefaultBootstrap(core.KindLocal, "low")))
	must(t, c.CreateIPCP(t.Context(), "u", core.KindUnicast))
	must(t, c.Bootstrap(t.Context(), "u", control.DefaultBootstrap(core.KindUnicast, "net")))
	must(t, c.CreateIPCP(t.Context(), "b", core.KindBroadcast))
	must(t, c.Bootstrap(t.Context(), "b", control.DefaultBootstrap(core.KindBroadcast, "cast")))
	resp, err := http.Get("http://" + addr + "/metrics")
	must(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	text := string(b)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, text)
	}
	for _, want := range []string{
		`ouroboros_ipcps 3`, `ouroboros_flows{ipcp="u",layer="net",number="2",type="unicast"} 0`,
		`ouroboros_ipcp_state{ipcp="b",layer="cast",number="3",state="operational",type="broadcast"} 1`,
		`ouroboros_dropped_packets_total{cause="ttl",ipcp="u",layer="net",number="2",type="unicast"} 0`,
		"# TYPE ouroboros_packets_total counter", "# TYPE ouroboros_names gauge", `ouroboros_operator_requests_total{result="failed"} 0`, "go_goroutines",
	} {
		if !strings.Contains(text, want+"\n") && !strings.Contains(text, want+" ") {
			t.Errorf("%q is not there", want)
		}
	}
	onlyShims := []string{"retransmitted_total"}
	for _, m := range metrics {
		if has := strings.Contains(text, "# TYPE "+metricsPrefix+m.name+" "); !has && !slices.Contains(onlyShims, m.name) {
			t.Errorf("%s is not there", m.name)
		}
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + addr + "/metrics"); err == nil {
		t.Error("somebody answers afterwards")
	}
}

// TestMetricsAtATakenPort: the daemon says so and does not start.
func TestMetricsAtATakenPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	dir := t.TempDir()
	if err := Run(t.Context(), Config{Dir: dir, Metrics: l.Addr().String()}); err == nil || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("%v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestMetricsAreDocumented: docs/real-mode.md lists each with its labels.
func TestMetricsAreDocumented(t *testing.T) {
	b, err := os.ReadFile("../../../docs/real-mode.md")
	must(t, err)
	for _, m := range metrics {
		row := regexp.MustCompile("(?m)^\\| `" + metricsPrefix + m.name + "` .*" + regexp.QuoteMeta(m.label))
		if !row.Match(b) {
			t.Errorf("%s{%s} is not in the table", m.name, m.label)
		}
	}
}

// TestTreeAsFiles: what irm shows of the management tree can be read as files, while the daemon runs, and the mount
// of one that was killed is no obstacle (spec 13 §13.9).
func TestTreeAsFiles(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED without root: the management tree mounted by FUSE")
	}
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("NOT TESTED here: the management tree mounted by FUSE: %v", err)
	} else {
		f.Close()
	}
	mnt := filepath.Join(t.TempDir(), "rib")
	r := start(t, Config{Dir: t.TempDir(), RIB: mnt})
	c := r.client()
	must(t, c.CreateIPCP(t.Context(), "l", core.KindLocal))
	must(t, c.Bootstrap(t.Context(), "l", control.DefaultBootstrap(core.KindLocal, "low")))
	must(t, c.CreateIPCP(t.Context(), "u", core.KindUnicast))
	must(t, c.Bootstrap(t.Context(), "u", control.DefaultBootstrap(core.KindUnicast, "net")))
	for file, want := range map[string]string{"l/info/_layer": "low\n", "u/info/_state": "operational\n", "u/info/_type": "unicast\n"} {
		if b, err := os.ReadFile(filepath.Join(mnt, file)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
	all, err := c.RIB(t.Context(), "")
	must(t, err)
	for _, e := range all {
		st, err := os.Stat(filepath.Join(mnt, e.Path))
		if err != nil || !st.Mode().IsRegular() {
			t.Errorf("%s: %v", e.Path, err)
		}
	}
	if err := os.WriteFile(filepath.Join(mnt, "l", "info", "_state"), []byte("x"), 0o644); err == nil {
		t.Error("a file was written to")
	}
	must(t, c.DestroyIPCP(t.Context(), "l"))
	if _, err := os.Stat(filepath.Join(mnt, "l")); !os.IsNotExist(err) {
		t.Errorf("an IPCP that is gone: %v", err)
	}
	in, err := os.Open(filepath.Join(mnt, "u", "info")) // somebody is in there at the end
	must(t, err)
	must(t, r.stop())
	in.Close()
	if _, err := os.Stat(mnt); !os.IsNotExist(err) {
		t.Errorf("the mount point stays: %v", err)
	}
}

// TestMountOfADeadDaemon is taken over.
func TestMountOfADeadDaemon(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED without root: a mount that a killed daemon has left")
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR, 0)
	if err != nil {
		t.Skipf("NOT TESTED here: a mount that a killed daemon has left: %v", err)
	}
	mnt := t.TempDir()
	err = unix.Mount("ouroboros", mnt, "fuse.rib", unix.MS_NOSUID|unix.MS_NODEV, "fd="+strconv.Itoa(fd)+",rootmode=40000,user_id=0,group_id=0")
	must(t, err)
	must(t, unix.Close(fd))
	s := newTestSystem(t, Config{Log: slog.New(slog.DiscardHandler)})
	unmount, err := mountRIB(s, mnt)
	if err != nil {
		_ = unix.Unmount(mnt, unix.MNT_DETACH)
		t.Fatal(err)
	}
	if _, err := os.ReadDir(mnt); err != nil {
		t.Error(err)
	}
	unmount()
	if _, err := os.Stat(mnt); err != nil {
		t.Errorf("a directory that was there before: %v", err)
	}
}
