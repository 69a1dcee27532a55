package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asDaemon has the test binary be irmd.
const asDaemon = "OUROBOROS_TEST_IRMD"

func TestMain(m *testing.M) {
	if os.Getenv(asDaemon) != "" {
		main()
	}
	os.Exit(m.Run())
}

// command returns irmd as a process of its own, which does not outlive the test.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asDaemon+"=1")
	return cmd
}

// TestCommandLine: what is not accepted is said with what is, and the exit code is 1 (spec 13 §13.5).
func TestCommandLine(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.conf")
	if err := os.WriteFile(bad, []byte("[unicorn.x]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--version"}, 0, "Ouroboros version "},
		{[]string{"--help"}, 0, "--stdout"},
		{[]string{"--bogus"}, 1, "unknown flag: --bogus"},
		{[]string{"extra"}, 1, "extra"},
		{[]string{"--config", "/nowhere/irmd.conf"}, 1, "/nowhere/irmd.conf"},
		{[]string{"--config", bad}, 1, "bad.conf:1: unicorn"},
		{[]string{"--dir", dir, "--app-mode", "999"}, 1, "1 to 777, octal"},
		{[]string{"--dir", dir, "--log-format", "xml"}, 1, "text, json"},
		{[]string{"--dir", dir, "--log-level", "loud"}, 1, "debug, info, warn, error"},
		{[]string{"--dir", dir, "--security", "/nowhere"}, 1, `"/nowhere": accepted is a directory that exists`},
		{[]string{"--dir", dir, "--metrics", "9090"}, 1, "host:port"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, &out, &errs); code != c.code || !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%q: code %d, want %d, and %q in %q", c.args, code, c.code, c.want, out.String()+errs.String())
		}
	}
}

// lines reads what a daemon writes until it has written all of the words in their order.
type lines struct {
	got  bytes.Buffer
	pipe *os.File
}

func (l *lines) await(t *testing.T, words ...string) {
	t.Helper()
	at, b := 0, make([]byte, 4096)
	for _, w := range words {
		for {
			if i := strings.Index(l.got.String()[at:], w); i >= 0 {
				at += i + len(w)
				break
			}
			_ = l.pipe.SetReadDeadline(time.Now().Add(20 * time.Second))
			n, err := l.pipe.Read(b)
			if err != nil {
				t.Fatalf("%q does not come: %v\n%s", w, err, l.got.String())
			}
			l.got.Write(b[:n])
		}
	}
}

// launch starts a daemon that logs to a pipe.
func launch(t *testing.T, args ...string) (*exec.Cmd, *lines) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd := command(t, args...)
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return cmd, &lines{pipe: r}
}

// TestLogAndSignals: lines have the form of the prototype; INT, QUIT, HUP and TERM end the daemon with exit code 0,
// and nothing is left in its directory (spec 13 §13.5).
func TestLogAndSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGTERM} {
		dir := t.TempDir()
		cmd, out := launch(t, "--dir", dir, "--stdout")
		out.await(t, "daemon started.")
		if err := cmd.Process.Signal(syscall.SIGPIPE); err != nil { // ignored
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		out.await(t, "Ending on signal", "daemon stopping.")
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v", sig, err)
		}
		if !regexp.MustCompile(`(?m)^==\d{5,}== irmd\(II\): Ouroboros`).MatchString(out.got.String()) {
			t.Errorf("log: %q", out.got.String())
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%v: left %v, %v", sig, left, err)
		}
	}
}

// TestConfigurationComesUp: the file of spec 13 §13.7 brings a layer up before the daemon says that it is ready.
func TestConfigurationComesUp(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "irmd.conf")
	text := "[daemon]\ndir = \"" + filepath.Join(dir, "run") + "\"\n[local.l]\nbootstrap = \"low\"\n[unicast.u]\nbootstrap = \"net\"\nautobind = true\n[name.oping]\nlb = \"round-robin\"\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd, out := launch(t, "--log-format", "json", "--config", conf)
	out.await(t, "Bootstrapped IPCP 1.", "Bootstrapped IPCP 2.", "Created new name: oping.", "daemon started.")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestFullDiskForLogs: a daemon whose log cannot be written goes on.
func TestFullDiskForLogs(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("NOT TESTED here: a full disk: %v", err)
	}
	defer full.Close()
	dir := t.TempDir()
	cmd := command(t, "--dir", dir, "--stdout")
	cmd.Stdout = full
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sock := filepath.Join(dir, "irm.sock")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(sock); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it does not serve")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
