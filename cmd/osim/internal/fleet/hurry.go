package fleet

import (
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// priority is that of an agent among ordinary processes, as nice has it.
	priority = -15
	// longest is how much processor time a thread of an agent may take without a pause while it goes before
	// all ordinary processes. One that takes more is stuck, and ends: the machine stays usable.
	longest = 3 * time.Second
)

// hurry has this process go before what else runs on the machine, as far as it may: what is measured is what the
// network does, not who else wants the processor. Threads that are made later inherit it. It returns how far it came.
func hurry() string {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return "ordinary"
	}
	limit := unix.Rlimit{Cur: uint64(longest / time.Microsecond), Max: uint64(longest / time.Microsecond)}
	if unix.Setrlimit(unix.RLIMIT_RTTIME, &limit) == nil && all(tasks, func(id int) error {
		return unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
	}) {
		return "real-time"
	}
	// Where the scheduler groups processes by session (CONFIG_SCHED_AUTOGROUP) the priority holds within the group
	// alone, and that of the group counts against others: so the process gets a session, and a group, of its own.
	if _, err := unix.Setsid(); err == nil {
		_ = os.WriteFile("/proc/self/autogroup", []byte(strconv.Itoa(priority)), 0)
	}
	if all(tasks, func(id int) error { return unix.Setpriority(unix.PRIO_PROCESS, id, priority) }) {
		return "raised"
	}
	return "ordinary"
}

// all calls do with the number of each thread, and reports whether it worked for all that are still there.
func all(tasks []os.DirEntry, do func(id int) error) bool {
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = do(id)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return false
		}
	}
	return true
}
