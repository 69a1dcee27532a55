package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// onSignal calls stop at the first SIGINT or SIGTERM. The next one kills the process, as without us. The
// function it returns ends that.
func onSignal(stop func(), stderr io.Writer) (end func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			fmt.Fprintln(stderr, "\nosim: ending the run; once more kills it")
			stop()
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
