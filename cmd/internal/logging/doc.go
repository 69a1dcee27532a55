// Package logging is where the log of a daemon goes: to its standard output in the form of the prototype or as
// JSON, to the journal of systemd, or to syslog. Nobody who logs waits for the place: lines go through a queue of
// fixed length, and what does not fit, or cannot be written because a disk is full, is dropped and counted.
package logging
