package main

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const unitFile = "systemd/irmd.service"

// TestUnitIsValid: systemd itself reads the unit and has nothing to say.
func TestUnitIsValid(t *testing.T) {
	verify, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("NOT TESTED: the systemd unit: systemd-analyze is not installed")
	}
	// The unit names a program that need not be installed here.
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "irmd.service")
	if err := os.WriteFile(unit, []byte(strings.Replace(string(text), "/usr/bin/irmd", "/bin/true", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(verify, "verify", "--man=no", unit).CombinedOutput()
	for l := range strings.Lines(string(out)) {
		if strings.Contains(l, "irmd.service") {
			t.Errorf("systemd-analyze: %s", l)
		}
	}
	if err != nil && strings.Contains(string(out), "irmd.service") {
		t.Errorf("%v", err)
	}
	out, err = exec.Command(verify, "verify", "--man=no", filepath.Join(filepath.Dir(unit), "nothing.service")).CombinedOutput()
	if err == nil {
		t.Errorf("systemd-analyze accepts everything: %s", out)
	}
}

// TestUnitFitsTheDaemon: its command line is one that irmd takes, and it notifies as the unit expects.
func TestUnitFitsTheDaemon(t *testing.T) {
	f, err := os.Open(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), "="); ok {
			keys[k] = v
		}
	}
	if keys["Type"] != "notify" || keys["WatchdogSec"] == "" || keys["RuntimeDirectory"] != "ouroboros" {
		t.Errorf("the unit has %v", keys)
	}
	args := strings.Fields(keys["ExecStart"])
	cmd := NewCommand()
	if err := cmd.ParseFlags(args[1:]); err != nil || cmd.Flags().Lookup("config").Value.String() != "/etc/ouroboros/irmd.conf" {
		t.Errorf("ExecStart %q: %v", keys["ExecStart"], err)
	}
	for _, family := range []string{"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"} {
		if !strings.Contains(keys["RestrictAddressFamilies"], family) {
			t.Errorf("the unit denies %s", family)
		}
	}
}

// TestSystemdIsTold: READY when the daemon serves, WATCHDOG while it runs, STOPPING when it ends; the exit code
// is 0 after a signal.
func TestSystemdIsTold(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: sock, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cmd := command(t, "--dir", filepath.Join(dir, "run"), "--stdout")
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+sock, "WATCHDOG_USEC=60000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	await := func(word string) {
		t.Helper()
		b := make([]byte, 256)
		for !seen[word] {
			_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
			n, err := c.Read(b)
			if err != nil {
				t.Fatalf("%s does not come: %v", word, err)
			}
			seen[string(b[:n])] = true
		}
	}
	await("READY=1")
	await("WATCHDOG=1")
	if seen["STOPPING=1"] {
		t.Error("STOPPING too early")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	await("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}
